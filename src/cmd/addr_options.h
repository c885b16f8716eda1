/* The options of `teredoctl addr`. */
#ifndef CMD_ADDR_OPTIONS_H
#define CMD_ADDR_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "report.h"
#include "teredo_addr.h"

struct addr_options {
    enum report_format format;
    bool header;
    bool quiet;
    bool encode;
    bool has_server, has_mapped, has_flags, random_flags;
    struct teredo_addr teredo; /* to encode; the prefix is not set */
    char **addresses;          /* of argv; "-" = standard input */
    int count;
};

/* A parser whose input is a zeroed struct addr_options. */
extern const struct argp addr_argp;

#endif
