/* The command line of `teredoctl check`, by the Monitoring Plugins' guidelines. */
#ifndef CMD_CHECK_OPTIONS_H
#define CMD_CHECK_OPTIONS_H

#include "checking.h"
#include "client.h"

struct check_options {
    struct client_options client;
    struct rounds rounds;
    struct check_range warning, critical;
    nsec timeout; /* for all of it */
    uint16_t port;
    char server[300]; /* with --port */
    bool told;        /* help or version, and there is nothing to run */
};

/* Parses the command line. False if that was a usage error, which is then in WRONG, a line of SIZE
 * bytes at most: it never ends the program, nor says anything itself. */
bool check_options_parse(struct check_options *o, int argc, char **argv, char *wrong, size_t size);

/* Parses a threshold: [@][start:][end], where start may be ~ for no limit (default: 0), and a
 * missing end is none. False if TEXT is no such thing. */
bool check_range_parse(struct check_range *range, const char *text);

#endif
