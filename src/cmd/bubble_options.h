/* The options of `teredoctl bubble`. */
#ifndef CMD_BUBBLE_OPTIONS_H
#define CMD_BUBBLE_OPTIONS_H

#include "craft.h"
#include "options.h"

/* What was given: a bit each in options.given. */
enum bubble_field {
    FIELD_TTL = 1 << 0,
    FIELD_TOS = 1 << 1,
    FIELD_DF = 1 << 2, /* set or cleared */
    FIELD_IP_ID = 1 << 3,
    FIELD_CHECKSUM = 1 << 4,
    FIELD_AUTH = 1 << 5, /* the header as such */
    FIELD_AUTH_ID = 1 << 6,
    FIELD_AUTH_VALUE = 1 << 7,
    FIELD_AUTH_NONCE = 1 << 8,
    FIELD_CONFIRMATION = 1 << 9,
    FIELD_ORIGIN = 1 << 10,
    FIELD_SOURCE = 1 << 11,
    FIELD_DESTINATION = 1 << 12,
    FIELD_HOP_LIMIT = 1 << 13,
    FIELD_TRAFFIC_CLASS = 1 << 14,
    FIELD_FLOW_LABEL = 1 << 15,
    FIELD_NEXT_HEADER = 1 << 16,
    FIELD_PAYLOAD = 1 << 17,
    FIELD_PAYLOAD_LENGTH = 1 << 18,
    FIELDS_OF_AUTH =
        FIELD_AUTH | FIELD_AUTH_ID | FIELD_AUTH_VALUE | FIELD_AUTH_NONCE | FIELD_CONFIRMATION,
    FIELDS_OUTSIDE = FIELD_TTL | FIELD_TOS | FIELD_DF | FIELD_IP_ID | FIELD_CHECKSUM,
    FIELDS_ALL = (1 << 19) - 1,
    GIVEN_INTERVAL = 1 << 19,
    GIVEN_RS = 1 << 20,
    GIVEN_ECHO = 1 << 21,
    GIVEN_FILE = 1 << 22,
};

enum bubble_message {
    MESSAGE_BUBBLE,
    MESSAGE_RS,
    MESSAGE_ECHO,
    MESSAGE_FILE, /* --from-file */
};

struct bubble_options {
    struct options common;
    bool direct, indirect;
    const char *to; /* as given, or NULL */
    bool has_peer;
    struct in6_addr peer;
    struct teredo_addr peer_parts; /* of peer */

    enum bubble_message message;
    const char *from_file;
    unsigned long packet; /* number in the file, from 1 */

    struct endpoint from; /* address and port 0 = not given */
    bool spoof;
    struct craft set;         /* the fields given; added trailers */
    unsigned random_trailers; /* a bit for each trailer of `set` that gets a random nonce */
    bool no_auth, no_origin, no_trailers;

    unsigned long count;
    nsec interval;
    unsigned long rate; /* packets a second; 0 = not given */
    nsec wait;          /* 0 = not given */
    bool dry_run;
    const char *write;
    /* What `set` borrows from: as much as a packet can hold. */
    size_t room_used;
    uint8_t room[65536];
};

/* For struct command; the input is a struct bubble_options. */
extern const struct option_entry bubble_options[];
void bubble_take_peer(const struct option_value *value, void *options);
void bubble_check(void *options, struct argp_state *state);

/* True if one of FIELDS was given. */
static inline bool bubble_given(const struct bubble_options *o, uint32_t fields)
{
    return (o->common.given & fields) != 0;
}

/* Copies the fields that were given, but the payload and the trailers, from the options to C. */
void bubble_set_fields(const struct bubble_options *o, struct craft *c);

#endif
