/* What the client commands share (trace, qualify, classify, check, listen): their options, and the
 * way from those to sockets, an engine, a reporter and an exit status. What is a command's own in
 * that is data, a struct client_job. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include "live.h"
#include "options.h"
#include "pcap_writer.h"
#include "qualify.h"
#include "qualify_many.h"
#include "rounds.h"

/* The options of a client command begin with these. */
struct client_options {
    struct options common;
    struct rounds rounds;
    const char *server; /* as given; NULL = not yet */
    const char *secondary;
    const char *write;          /* capture file, or NULL */
    struct pcap_writer *writer; /* of it, once it is open */
    uint16_t local_port;
    unsigned sockets; /* how many the engine sends from */
    nsec timeout;
    unsigned attempts;
    const char *auth_id;
    const char *auth_secret_file;
    uint8_t secret[256];
    size_t secret_size;
    bool allow_private;
    bool wire_times; /* of a command that shows times: libpcap's, where it may capture */
    bool no_capture;
    bool explain;
    bool watch;                    /* a live table */
    unsigned log_level;            /* how often -v must be given to log every packet */
    enum qualify_reason no_server; /* where there is none to ask: why */
};

/* The bit in `given` of the options that matter only to what is sent. */
#define CLIENT_GIVEN_SENDING (UINT32_C(1) << 31)

/* Tables for struct command: the options of all client commands but --format, and then --format
 * with what belongs to it, of a command that has metrics and of one that can draw. */
extern const struct option_entry client_options[];
extern const struct option_entry client_metrics_options[];
extern const struct option_entry client_chart_options[];
/* --timeout and --attempts, for a command that gives a silent server up after so many
 * solicitations. */
extern const struct option_entry client_patience_options[];

/* --every, --on-change and --output. */
extern const struct option_entry client_rounds_options[];

/* The defaults: one socket, 1.5 s, 3 attempts, the server from $TEREDO_SERVER. */
void client_options_init(struct client_options *o);

/* Functions for struct command: the argument is a SERVER; the checks, without and with that one
 * must be known. */
void client_take_server(const struct option_value *value, void *options);
void client_check(void *options, struct argp_state *state);
void client_check_server(void *options, struct argp_state *state);

/* --watch: a table that is drawn again and again is of no use in a pipe. OTHERWISE says what there
 * is without it. */
void client_check_watch(const struct client_options *o, struct argp_state *state,
                        const char *otherwise);

struct client;

/* A client command, as data. */
struct client_job {
    const struct command *command;
    enum event_kind verdict; /* the event that has the result */
    const char *columns;     /* of tsv */
    bool headings;           /* --every puts the time over each round of text */
    /* The engine; INIT makes it ready in ENGINE, which is zeroed and of that size, once the sockets
     * of C are open. 0, or -1 and ERROR filled. */
    size_t engine_size;
    unsigned sandbox; /* SANDBOX_…: what it does beside what the command always does */
    int (*init)(struct client *c, struct engine *engine, struct error *error);
    /* The exit status as EVENT tells it, or -1. The last one counts; where none comes, NO_STATUS
     * does. */
    int (*status)(const struct event *event);
    int no_status;
    /* In place of an engine, for many servers: works C->many. The exit status, or -1 and ERROR
     * filled. */
    int (*work)(struct client *c, struct error *error);
    /* Optional: the verdict for a server whose name does not exist, which a script that reads data
     * gets beside the error. */
    void (*unknown_name)(const struct client_options *o, struct event *event);
    /* Optional: the exit status that a failure comes to, or -1 where it is an error. */
    int (*failed)(const struct client_job *job, struct client_options *o,
                  const struct error *error);
};

/* A command's running parts, in the order in which they are made. */
struct client {
    const struct client_job *job;
    struct client_options *options;
    struct endpoint server;
    struct endpoint secondary;
    struct live *live;
    struct qualify_many *many; /* in place of live, server and secondary */
    struct reporter *reporter;
    int status; /* the job's, so far */
};

/* Opens what takes the rights of the user, the files that are to be written, and gives those rights
 * up. Part of client_run; for a command that has more to read before. Later calls do nothing. 0, or
 * -1 and ERROR filled. */
int client_prepare(struct client_options *o, struct error *error);

/* Does the job, once or in the rounds of --every: opens files, gives up the user's rights, looks
 * the server up, opens sockets and reporter, enters the sandbox, works the engine, and closes all
 * of it. Returns the exit status, or -1 and ERROR filled. */
int client_run(const struct client_job *job, struct client_options *o, struct error *error);

/* Enters the sandbox: the command's, the job's and MAY (SANDBOX_…) are allowed. Part of client_run,
 * but for a job that has a `work`, which calls it before the first packet. 0, or -1 and ERROR
 * filled. */
int client_confine(const struct client *c, unsigned may, struct error *error);

/* The configuration of a qualification from the first socket, with fresh nonces and flags. */
int client_qualify_config(const struct client *c, struct qualify_config *config,
                          struct error *error);

/* What the options say of it: timeout, attempts, identity. */
struct qualify_config client_common_config(const struct client_options *o);

/* Fresh unpredictable nonces. */
int client_nonces(struct nonce_source *nonces, struct error *error);

/* To the reporter, and to the rounds. */
struct event_sink client_sink(struct client *c);

/* Sees every packet, for the log and the capture file. */
struct live_tap client_tap(struct client *c);

/* Reports EVENT where there is no open client to do so, for a job that failed. */
void client_report(const struct client_job *job, struct client_options *o,
                   const struct event *event);

#endif
