/* The command line of `teredoctl serve`. */
#ifndef CMD_SERVE_OPTIONS_H
#define CMD_SERVE_OPTIONS_H

#include "nsec.h"
#include "report.h"
#include "server.h"

struct serve_options {
    struct server_config server; /* all but the clients */
    const char *secrets;         /* file of serve_clients.h, or NULL */
    const char *user;            /* to become when started as root; NULL = nobody */
    uint64_t count;              /* datagrams to take before the end; UINT64_MAX = no end */
    nsec duration;               /* 0 = no end */
    enum report_format format;
    bool header;
    bool quiet;
    bool verbose;
};

/* Parses the command line; a usage error ends the program with status 64. Returns 0, or -1 with
 * ERROR filled in if the addresses cannot serve. */
int serve_options_parse(struct serve_options *o, int argc, char **argv, struct error *error);

#endif
