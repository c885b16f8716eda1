/* From the options of `teredoctl bubble` to packets: what each is, and where it goes. */
#ifndef CMD_BUBBLE_PLAN_H
#define CMD_BUBBLE_PLAN_H

#include "bubble_options.h"
#include "bubbling.h"
#include "nonce.h"
#include "packet_file.h"

enum {
    BUBBLE_MAX_TARGETS = 2,
    BUBBLE_ECHO_DATA = 8, /* bytes, where no --payload says otherwise */
};

struct bubble_target {
    enum bubble_aim aim;
    struct endpoint to;
};

struct bubble_plan {
    struct craft base; /* the packet of this round; from and to are set for each target */
    struct bubble_target targets[BUBBLE_MAX_TARGETS];
    unsigned target_count;
    struct endpoint from;   /* address and port 0: any */
    nsec interval;          /* between rounds */
    const char *raw_option; /* what only a raw socket can do, or NULL */
    /* What is drawn anew each round. */
    bool random_source, random_auth_nonce, random_echo_data;
    unsigned random_trailers; /* a bit each */
    bool is_echo;
    uint16_t echo_id;
    struct nonce_source nonces;
    /* What `base` borrows from. */
    uint8_t trailer_nonce[4];
    uint8_t message[CRAFT_MAX_PAYLOAD]; /* ICMPv6 */
    uint8_t file[PACKET_FILE_ROOM];
};

/* Fills the plan; it must not be moved afterwards. 0, or -1 and ERROR filled: EX_NOINPUT,
 * EX_DATAERR for --from-file, EX_NOHOST for a server's name, EX_USAGE for what does not go together
 * and for more than ten packets a second without --rate. */
int bubble_plan_make(struct bubble_plan *plan, const struct bubble_options *o, struct error *error);

/* Draws what is new in ROUND, from 0. */
void bubble_plan_round(struct bubble_plan *plan, unsigned long round);

#endif
