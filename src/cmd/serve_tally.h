/* What `teredoctl serve` has done so far, and how it tells. */
#ifndef CMD_SERVE_TALLY_H
#define CMD_SERVE_TALLY_H

#include <stdio.h>

#include "nsec.h"
#include "report.h"
#include "server.h"

struct serve_tally {
    nsec started;
    uint64_t received;
    uint64_t replies[SERVER_REPLY_KINDS];
    uint64_t drops[SERVER_DROP_COUNT];
    uint64_t send_failed;
};

/* The server's endpoint at ADDRESS. */
struct endpoint serve_endpoint(const struct server_config *config, enum server_address address);

/* Says that the server is ready (EVENT NULL) or prints the counters: EVENT is "counters" or
 * "summary". Flushes OUT. */
void serve_tally_print(const struct serve_tally *tally, const struct server_config *config,
                       FILE *out, enum report_format format, const char *event);

/* Logs one packet on standard error: SIZE bytes from FROM to our address AT. */
void serve_log_packet(const struct server_config *config, struct endpoint from,
                      enum server_address at, size_t size, enum server_drop drop,
                      const struct server_reply *reply);

#endif
