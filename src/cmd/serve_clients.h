/* The clients that may qualify securely (RFC 4380 5.2.2), from a file of identifiers and secrets.
 */
#ifndef CMD_SERVE_CLIENTS_H
#define CMD_SERVE_CLIENTS_H

#include "error.h"
#include "server.h"

struct serve_clients {
    size_t text_size;
    char *text;                 /* the file; the clients borrow from it */
    struct server_client *list; /* in the order that struct server_config asks for */
    size_t count;
};

/* Reads FILE: one "identifier:secret" a line, the secret being the rest of the line; empty lines
 * and lines that begin with # are passed over. Returns 0, or -1 with ERROR filled in and OUT empty.
 */
int serve_clients_read(struct serve_clients *out, const char *file, struct error *error);

/* Wipes the secrets and frees everything. */
void serve_clients_free(struct serve_clients *clients);

#endif
