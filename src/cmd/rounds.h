/* Runs of a command that repeat (--every), say only what changed (--on-change), or replace a file
 * (--output): what the commands for monitoring share. */
#ifndef CMD_ROUNDS_H
#define CMD_ROUNDS_H

#include <stdbool.h>
#include <stdio.h>

#include "event.h"
#include "options.h"
#include "report.h"

struct replace_file;

struct rounds {
    nsec every; /* 0 = once */
    bool on_change;
    const char *output;        /* file to replace; NULL = standard output */
    struct replace_file *file; /* the same, ready to be written */
    /* Of the run under way. */
    FILE *out;            /* where its results go */
    unsigned long number; /* from 1; 0 without --every */
    nsec started;
    uint64_t digest; /* of its findings: what --on-change compares */
};

/* Makes the output ready, if there is one, while the process still has its user's rights. Later
 * calls do nothing. 0, or -1 and ERROR filled; rounds_close is due all the same. */
int rounds_open(struct rounds *r, const struct options *o, struct error *error);
void rounds_close(struct rounds *r);

/* Takes what EVENT found into the digest. Times and ports do not count, nor does the order. */
void rounds_note(struct rounds *r, const struct event *event);

/* What is run. */
struct rounds_work {
    const char *command;
    bool headings; /* puts the time over each round */
    /* Runs once: results to the rounds' OUT, which it leaves open; the exit status, or -1 and ERROR
     * filled. */
    int (*once)(void *context, struct error *error);
    void *context;
};

/* Works once, or each --every seconds until SIGINT or SIGTERM, by a schedule that does not drift;
 * rounds that took too long are left out. A run that fails is that round's result, said on standard
 * error by the name of the command, and ends nothing, unless the command line or the output is to
 * blame. Returns the status of the last run that was not interrupted, or -1. */
int rounds_run(struct rounds *r, const struct rounds_work *work, struct error *error);

#endif
