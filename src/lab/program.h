/* A program on a host of the lab that is started in the background, such as a server, and tells by
 * its first line that it is ready. */
#ifndef LAB_PROGRAM_H
#define LAB_PROGRAM_H

#include "topology.h"

struct lab_program {
    struct topology *topology;
    enum lab_host host;
    int out;        /* read end of its standard output; -1 once at its end */
    char line[256]; /* the first line that it printed */
    bool has_line;
};

/* Starts ARGV and carries packets until it has printed a line, has ended or UNTIL has passed; only
 * an interrupt or a broken lab is an error: -1, and ERROR filled. TOPOLOGY and HOST of P are the
 * caller's to set. What the program prints later is read and dropped as packets are carried. */
int lab_program_start(struct lab_program *p, char *const argv[], nsec until, struct error *error);

#endif
