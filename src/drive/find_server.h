/* Finds the server that a client is to ask: looks its name up, leaves out the addresses that no
 * server can have, and of several takes the first that answers. */
#ifndef DRIVE_FIND_SERVER_H
#define DRIVE_FIND_SERVER_H

#include "names.h"
#include "pick_server.h"
#include "qualification.h"

struct find_server {
    /* What to find. */
    const char *name;           /* or an address; with a port, unless it is 3544 */
    const char *secondary_name; /* NULL = the primary plus one */
    nsec timeout;
    bool allow_private; /* a name may lead to an address inside of a network (laboratories) */
    struct rs_identity identity;
    struct nonce_source nonces;
    /* What was found. */
    struct endpoint server, secondary;
    enum qualify_reason reason; /* where there is no server to ask: why */
    struct names_answer found;  /* the addresses that can be servers */
    struct pick_server pick;    /* how the choice among several came out */
};

/* 0, or -1 and ERROR filled: EX_NOHOST where there is no server to ask, and names_resolve's. */
int find_server(struct find_server *f, struct error *error);

#endif
