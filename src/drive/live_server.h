/* Works the server engine on sockets: at both of its addresses, and on its extra port as well. */
#ifndef DRIVE_LIVE_SERVER_H
#define DRIVE_LIVE_SERVER_H

#include "address_watch.h"
#include "error.h"
#include "loop.h"
#include "port.h"
#include "server.h"
#include "serving.h"

struct live_server_config {
    struct server_config server; /* other_port: the extra one, or 0 */
    uint64_t count;              /* datagrams to take before the end */
    nsec duration;               /* 0 = no end */
    enum port_sharing sharing;   /* of all its ports, with others that serve the same */
    struct server_limit *limit;  /* borrowed; others may have it too */
    struct serving *counters;    /* counted up: received, replies, drops and send_failed */
    /* Optional: sees every datagram that came to SERVER, and its REPLY, or why there is none. */
    void (*see)(void *context, const struct server_config *server,
                const struct server_datagram *datagram, enum server_drop drop,
                const struct server_reply *reply);
    /* Told when the system has refused to send, before it is counted; and of SIGUSR1. */
    void (*refused)(void *context, struct endpoint to, int errnum);
    void (*asked)(void *context);
    /* Optional: told when this host loses an address of the server, and when it has it again. */
    void (*moved)(void *context, struct endpoint at, enum address_change change);
    void *context;
};

struct live_server;

/* Opens the sockets; privileges may be dropped afterwards. NULL, and ERROR filled, on failure. */
struct live_server *live_server_open(const struct live_server_config *config, struct error *error);

/* What it waits with, for whoever has more to wait for. */
struct loop *live_server_loop(const struct live_server *s);

/* Takes the signals from here on: SIGINT and SIGTERM end live_server_run, SIGUSR1 is told. And
 * begins to count the duration at STARTED. 0, or -1 and ERROR filled. */
int live_server_start(struct live_server *s, nsec started, struct error *error);

/* Serves until the end. 0, or -1 and ERROR filled. */
int live_server_run(struct live_server *s, struct error *error);

void live_server_close(struct live_server *s);

#endif
