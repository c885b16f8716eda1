/* The options of `teredoctl lab`. */
#ifndef CMD_LAB_OPTIONS_H
#define CMD_LAB_OPTIONS_H

#include "report.h"
#include "topology.h"

enum {
    LAB_MAX_ALSO = 4
};

struct lab_options {
    struct topology_config topology; /* NATs, links, seed */
    enum lab_host on;
    struct {
        enum lab_host host;
        char *command;    /* for the shell */
    } also[LAB_MAX_ALSO]; /* what runs in the background beside COMMAND */
    unsigned also_count;
    const char *pcap;          /* NULL = none */
    bool pcap_each;            /* a file for each vantage point */
    enum report_format format; /* of the trace */
    bool header;
    bool ascii;
    bool color;
    bool quiet;
    bool verbose;
    unsigned width; /* columns */
    char **command; /* NULL = the trace */
};

/* Parses ARGV; usage errors end the program with 64. */
void lab_options_parse(struct lab_options *o, int argc, char **argv);

#endif
