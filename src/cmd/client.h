/* What the client commands share (qualify, listen, trace): their options, and the way from those to
 * sockets, an engine's configuration and a reporter. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include <argp.h>

#include "live.h"
#include "pcap_writer.h"
#include "qualify.h"
#include "qualify_many.h"
#include "report.h"
#include "rounds.h"

struct client_options {
    const char *command;
    bool takes_server;  /* as its argument */
    const char *server; /* as given; NULL = not yet */
    const char *secondary;
    const char *write; /* capture file, or NULL */
    uint16_t local_port;
    nsec timeout;
    unsigned attempts;
    const char *auth_id;
    const char *auth_secret_file;
    uint8_t secret[256];
    size_t secret_size;
    bool allow_private;
    bool no_capture;
    enum report_format format;
    bool header;
    bool quiet;
    bool verbose;       /* log every packet */
    unsigned verbosity; /* how often -v was given */
    unsigned log_level; /* from how many on it means that */
    bool color;
    bool watch;            /* a live table */
    bool ascii;            /* of a ladder: no line-drawing characters */
    unsigned width;        /* of a ladder, in columns */
    bool openmetrics;      /* is among the formats */
    struct rounds *rounds; /* NULL = the command knows no rounds */
};

/* A command's running parts, in the order in which they are made. */
struct client {
    const struct client_options *options;
    struct endpoint server;
    struct endpoint secondary;
    struct live *live;
    struct qualify_many *qualify_many_summary; /* instead of live, server and secondary */
    struct reporter *reporter;
    struct pcap_writer *writer; /* NULL = none asked for */
};

/* An argp child parser whose input is a struct client_options. */
extern const struct argp client_argp;

/* The same, for a command that can draw a chart as well. */
extern const struct argp client_chart_argp;

/* Another, with the same input: --timeout and --attempts, for the commands that give a silent
 * server up after so many solicitations. */
extern const struct argp client_patience_argp;

/* Defaults: 1.5 s, 3 attempts, server from $TEREDO_SERVER. With TAKES_SERVER, the command's
 * argument is the server. */
void client_options_init(struct client_options *o, const char *command, bool takes_server);

/* Looks the server up, opens COUNT sockets, the reporter and the capture file, and drops all
 * privileges. EXPLAIN goes to the reporter. */
int client_open(struct client *c, const struct client_options *o, unsigned count, bool explain,
                struct error *error);

/* The same for many servers. */
int client_open_qualify_many(struct client *c, const struct client_options *o, bool explain,
                             struct error *error);

/* To the reporter, and to the rounds. */
struct event_sink client_sink(struct client *c);

/* Keeps the verdict for the exit status on its way to NEXT. */
struct outcome {
    struct event_sink next;
    enum event_kind kind; /* of the event that has it: a command's last */
    int status;           /* at first, that where none comes */
};

/* O must last as long as the sink. */
struct event_sink outcome_sink(struct outcome *o);

/* Sees every packet, for the log and the capture file. */
struct live_tap client_tap(struct client *c);

/* The configuration of a qualification from socket SOCKET, with fresh nonces and flags. */
int client_qualify_config(const struct client *c, unsigned socket, struct qualify_config *config,
                          struct error *error);

/* What the options say of it: timeout, attempts, identity. */
struct qualify_config client_common_config(const struct client_options *o);

/* Fresh unpredictable nonces. */
int client_nonces(struct nonce_source *nonces, struct error *error);

/* Reports EVENT where there is no open client to do so. */
void client_report(const struct client_options *o, const struct event *event);

/* Where client_open has failed for a name that does not exist: a script that reads JSON gets a
 * verdict for that as well, EVENT. */
void client_report_unknown_name(const struct client_options *o, const struct event *event);

/* Runs ENGINE; its events go to SINK. */
int client_run(struct client *c, struct engine *engine, const struct event_sink *sink,
               struct error *error);

/* Closes everything; the exit status is STATUS unless results were lost (then -1, ERROR filled). */
int client_close(struct client *c, int status, struct error *error);

#endif
