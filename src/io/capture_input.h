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
 * on SIGINT and SIGTERM end the reading, and then the program with what it has; and gives up all
 * privileges. -1, ERROR filled, on failure: capture_input_close is due all the same. */
int capture_input_open(struct capture_input *in, char **files, int file_count,
                       const char *interface, struct error *error);

/* Closes one before the others, where it is done with. */
void capture_input_close_one(struct capture_input *in, int index);

void capture_input_close(struct capture_input *in);

#endif
