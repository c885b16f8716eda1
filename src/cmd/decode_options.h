/* The options of `teredoctl decode`. */
#ifndef CMD_DECODE_OPTIONS_H
#define CMD_DECODE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "report.h"

struct decode_options {
    enum report_format format;
    bool header;
    bool quiet;
    bool verbose;
    bool summary;
    bool tunnels;
    uint64_t count; /* 0 = all */
    const char *hex;
    const char *interface;
    char *
        *files; /* of argv; "-" = standard input. None = standard input, unless hex or interface */
    int file_count;
    char *filter; /* NULL = none; the caller frees it */
};

/* A parser whose input is a zeroed struct decode_options. */
extern const struct argp decode_argp;

#endif
