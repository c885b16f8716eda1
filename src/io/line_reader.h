/* Lines of a file or pipe, read in blocks, millions a second. */
#ifndef IO_LINE_READER_H
#define IO_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum {
    LINE_READER_ROOM = 65536 /* bytes; longer lines are cut */
};

struct line_reader {
    int fd;               /* borrowed */
    unsigned long number; /* of the last line, from 1 */
    size_t begin;
    size_t end; /* of the bytes at hand in data */
    bool at_end;
    bool skip; /* the rest of a line that was cut */
    int stop;  /* a descriptor that ends the input once it is readable; -1 = none */
    /* Called before a read that would have to wait, so that results do not; may be NULL. */
    void (*before_wait)(void *context);
    void *context;
    char data[LINE_READER_ROOM];
};

void line_reader_init(struct line_reader *r, int fd, void (*before_wait)(void *context),
                      void *context);

/* From now on the first SIGINT or SIGTERM ends the input, so that what was printed can be brought
 * to an end; a second one ends the program. -1 and ERROR filled on failure. */
int line_reader_end_on_signals(struct line_reader *r, struct error *error);

/* Lets the signal that has ended the input, if one has, end the program too. */
void line_reader_die_of_signal(void);

/* Gives the next line, without its line end, borrowed until the next call; the last may lack one.
 * Returns 1, 0 at the end, or -1 with ERROR filled (EX_IOERR). A line longer than the room is given
 * as its first LINE_READER_ROOM bytes. */
int line_reader_next(struct line_reader *r, const char **line, size_t *size, struct error *error);

/* Takes off what is not the entry of a list: blanks around it, a carriage return, a comment from
 * '#' on, the byte order mark of a Windows editor. */
void line_reader_trim(const char **line, size_t *size);

#endif
