/* The options of `teredoctl trace`. */
#ifndef CMD_TRACE_OPTIONS_H
#define CMD_TRACE_OPTIONS_H

#include "client.h"
#include "punch.h"
#include "rounds.h"

struct trace_options {
    struct client_options client;
    struct rounds rounds;
    const char *peer_text;
    bool has_peer;
    struct in6_addr peer;
    struct in6_addr own; /* with --own-address */
    bool has_own;
    enum punch_ask ask;
    uint8_t ttl;
    unsigned bubbles;
    uint8_t reference_ttl;
    /* Of captures, in place of a live run. */
    bool reads; /* -r was given */
    bool passive;
    const char *interface;
    char **arguments; /* PEER, or FILEs; allocated by the parser */
    int argument_count;
    const char *filter;
    bool tunnels;
    unsigned long count;  /* of hole punches to end after; 0 = all */
    bool has_live_option; /* one was given that captures have no use for */
};

/* Sets the defaults; the input of trace_argp. */
void trace_options_init(struct trace_options *o);

/* True if it is captures that are traced. */
static inline bool trace_is_of_captures(const struct trace_options *o)
{
    return o->reads || o->passive;
}

extern const struct argp trace_argp;

#endif
