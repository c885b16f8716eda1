/* The qualifications that captures show (RFC 4380 5.2.1): solicitations and what became of them.
 * The rules of a router advertisement are those of src/engine/ra_check.h. */
#ifndef ENGINE_PASSIVE_CLIENT_H
#define ENGINE_PASSIVE_CLIENT_H

#include "engine.h"
#include "passive_book.h"

enum {
    CLIENT_ASKS = 6, /* solicitations that may still be answered: the latest */
    CLIENT_SERVERS = 4,
};

/* What a client has asked of a server address, in all its qualifications. */
struct client_server {
    struct endpoint at;
    unsigned asked, answered;
    struct endpoint origin; /* the client, as it sees it; unset = it has not said */
    nsec when;              /* it said so */
};

struct client_ask {
    struct endpoint to;
    bool has_nonce;
    uint8_t nonce[TEREDO_NONCE_SIZE];
    struct in6_addr source;
    nsec when;
    unsigned vantage;
    struct endpoint from;
    bool is_next_to; /* seen next to the client */
    bool answered;
};

struct passive_client {
    uint32_t reference; /* in the book; 0 = the slot is free */
    bool open;          /* a qualification is under way */
    nsec last;
    struct endpoint at; /* the client's, where it was first seen */
    bool is_next_to;    /* seen next to it, so that `at` is its own endpoint */
    struct client_ask asks[CLIENT_ASKS];
    unsigned ask_count;
    bool answer_cut; /* an answer is there that the capture has only a part of */
    struct qualification result;
    struct endpoint known_server, known_mapped; /* of the last one told; unset = none */
    struct client_server servers[CLIENT_SERVERS];
    unsigned server_count;
    bool maps_anew; /* two addresses saw two mappings at a time */
};

/* Takes in a solicitation: a new qualification if none is open. */
void client_solicits(struct passive_client *c, const struct observation *o);

/* True if the solicitation O is one of the client's at another vantage point, by its nonce; then
 * the sight next to the client is the one that counts from now on. */
bool client_takes_copy(struct passive_client *c, const struct observation *o);

/* The solicitation that the advertisement O answers, or NULL. */
struct client_ask *client_find_ask(struct passive_client *c, const struct observation *o);

/* Takes in the advertisement O; tells OUT where it broke a rule. */
void client_is_answered(struct passive_client *c, const struct observation *o,
                        struct client_ask *ask, struct outbox *out);

/* How many solicitations were answered, and not, by servers that have answered at all. */
void client_count_loss(const struct passive_client *c, unsigned *answered, unsigned *missing);

/* An ICMP error for a solicitation. */
void client_is_refused(struct passive_client *c, const struct observation *o);

/* True if nothing is left to wait for. */
bool client_is_settled(const struct passive_client *c);

/* Ends the qualification. True if it is worth telling: it tells something new. ENDED: there is no
 * more to see. */
bool client_conclude(struct passive_client *c, nsec now, bool ended);

#endif
