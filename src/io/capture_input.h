/* The captures that a command reads: files, standard input or an interface, all opened at the
 * start, for later there is no privilege left to do so. */
#ifndef IO_CAPTURE_INPUT_H
#define IO_CAPTURE_INPUT_H

#include "capture.h"

struct capture_input {
    struct capture_control
        control; /* filter, advice and callbacks are the caller's to set before */
    struct capture **captures;
    int count;
};

/* Opens FILES, or INTERFACE if it is not NULL, or standard input if there are no FILES; from here
 * on SIGINT and SIGTERM end the reading, and then the program with what it has. -1, ERROR filled,
 * on failure: capture_input_close is due all the same. */
int capture_input_open(struct capture_input *in, char **files, int file_count,
                       const char *interface, struct error *error);

/* Compiles the filter, and sets it on the interface: the last that names may be looked up for.
 * Needs no privilege, and reads no capture. -1, ERROR filled, on failure. */
int capture_input_prepare(struct capture_input *in, struct error *error);

/* Whether it is an interface. */
bool capture_input_is_live(const struct capture_input *in);

/* Closes one before the others, where it is done with. */
void capture_input_close_one(struct capture_input *in, int index);

void capture_input_close(struct capture_input *in);

#endif
