/* Of the addresses of one name, the first that answers a router solicitation as a Teredo server
 * does (RFC 4380 5.2.1): all are asked at once. */
#ifndef ENGINE_PICK_SERVER_H
#define ENGINE_PICK_SERVER_H

#include "engine.h"
#include "nonce.h"
#include "rs_make.h"

enum {
    PICK_SERVERS = 64, /* addresses, at most */
    PICK_ATTEMPTS = 3, /* solicitations to each */
};

struct pick_config {
    const struct endpoint *servers; /* borrowed */
    unsigned count;                 /* at most PICK_SERVERS */
    nsec timeout;
    bool allow_private;          /* believe an origin that is not global (laboratories) */
    struct rs_identity identity; /* for secure qualification (5.2.2) */
    struct nonce_source nonces;  /* key from the caller */
};

struct pick_server {
    struct engine engine;
    struct pick_config config;
    struct in6_addr source;
    uint8_t nonces[PICK_SERVERS][PICK_ATTEMPTS][TEREDO_NONCE_SIZE];
    bool answered[PICK_SERVERS];
    unsigned answers;
    unsigned first; /* that answered; valid where answers is not 0 */
    unsigned asked; /* times */
    bool last;      /* one has answered: nobody is asked again */
    nsec started;   /* 0 = not yet */
    nsec next;      /* what is due then: the next solicitations, or the end */
    bool done;
};

/* Sets up an engine whose first TIMER observation asks all. It tells no event; once it is done,
 * `answers`, `first` and `answered` say how it came out. Once an address has answered, the others
 * have as long again, and a moment, for theirs. */
void pick_server_init(struct pick_server *p, const struct pick_config *config);

#endif
