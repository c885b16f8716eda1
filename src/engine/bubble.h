/* Bubbles and other Teredo packets of any making, in rounds, and what counts as an answer to them.
 * The caller sends them, for their headers are not a driver's to choose (craft.h). */
#ifndef ENGINE_BUBBLE_H
#define ENGINE_BUBBLE_H

#include "bubble_book.h"
#include "bubbling.h"
#include "craft.h"
#include "nonce.h"

enum {
    BUBBLE_MAX_TARGETS = 2,
    BUBBLE_ECHO_HEADER = 8, /* bytes of an echo request before its data */
    BUBBLE_ECHO_DATA = 8,   /* bytes that are drawn, where no data is given */
};

struct bubble_target {
    enum bubble_aim aim;
    struct endpoint to;
};

struct bubble_config {
    struct craft base; /* the packet, but for its endpoints; what it borrows must stay */
    struct bubble_target targets[BUBBLE_MAX_TARGETS];
    unsigned target_count;
    unsigned long rounds; /* each a packet to every target */
    nsec wait;            /* for answers, after the last round; 0 = not at all */
    /* What is drawn anew each round. */
    bool random_source, random_auth_nonce, random_echo_data;
    unsigned random_trailers; /* a bit each */
    bool is_echo; /* the payload is an echo request: its identifier and sequence are filled in */
    struct nonce_source nonces;
};

struct bubble {
    struct bubble_config config;
    struct craft craft; /* the packet of this round, with the endpoints of the last one made */
    unsigned long round;
    uint16_t echo_id;
    struct bubble_packet packet; /* the last one made */
    struct bubble_book book;
    struct bubble_summary summary; /* so far; `via` is the caller's */
    uint8_t trailer_nonce[4];
    uint8_t message[CRAFT_MAX_PAYLOAD]; /* an echo request */
    uint8_t ip4[CRAFT_MAX_SIZE];        /* the last packet as a whole */
};

void bubble_init(struct bubble *b, const struct bubble_config *config);

/* Begins the next round: draws what is new in it. */
void bubble_begin_round(struct bubble *b);

/* Makes the packet of this round to target I, which will leave from FROM: B->packet, also as
 * B->craft. */
void bubble_make(struct bubble *b, unsigned i, struct endpoint from);

/* The packet that was made last left at WHEN; or the system refused it, by ERRNUM. */
void bubble_note_sent(struct bubble *b, nsec when);
void bubble_note_failed(struct bubble *b, int errnum);

/* O is a datagram of these BYTES that came: what it is, and which packet it answers by which
 * proof. */
void bubble_receive(struct bubble *b, const struct observation *o, const uint8_t *bytes,
                    struct bubble_reply *reply);

/* Ends it, and sets the verdict of the summary: INTERRUPTED before its time, or by itself. */
void bubble_finish(struct bubble *b, bool interrupted);

#endif
