/* UDP datagrams by the dozen: one system call takes or sends as many as there are, up to
 * BATCH_SIZE. For a server; src/io/udp_socket.h is for those who want timestamps. */
#ifndef IO_BATCH_H
#define IO_BATCH_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "endpoint.h"
#include "error.h"
#include "teredo.h"

enum {
    BATCH_SIZE = 64,
    /* One more than the largest packet, so that a larger one shows as too large. */
    BATCH_DATAGRAM_SIZE = TEREDO_MAX_SIZE + 1,
};

struct batch_in {
    unsigned count; /* datagrams of the last batch_receive */
    struct mmsghdr messages[BATCH_SIZE];
    struct iovec vectors[BATCH_SIZE];
    struct sockaddr_in sources[BATCH_SIZE];
    uint8_t data[BATCH_SIZE][BATCH_DATAGRAM_SIZE];
};

struct batch_out {
    unsigned count; /* datagrams waiting for batch_flush */
    struct mmsghdr messages[BATCH_SIZE];
    struct iovec vectors[BATCH_SIZE];
    struct sockaddr_in destinations[BATCH_SIZE];
};

/* Opens a non-blocking UDP socket bound to LOCAL, with room for BUFFER bytes each way if the system
 * allows that much. Returns the descriptor, or -1 with ERROR filled in. */
int batch_open(struct endpoint local, int buffer, struct error *error);

void batch_in_init(struct batch_in *b);
void batch_out_init(struct batch_out *b);

/* Takes at most LIMIT datagrams (and at most BATCH_SIZE) that wait on FD; never blocks. Returns how
 * many, 0 if there are none. */
unsigned batch_receive(struct batch_in *b, int fd, unsigned limit);

/* Datagram I of the last batch_receive; one cut short is BATCH_DATAGRAM_SIZE bytes long. */
static inline struct endpoint batch_source(const struct batch_in *b, unsigned i)
{
    return (struct endpoint){ntohl(b->sources[i].sin_addr.s_addr), ntohs(b->sources[i].sin_port)};
}

static inline const uint8_t *batch_data(const struct batch_in *b, unsigned i)
{
    return b->data[i];
}

static inline size_t batch_size(const struct batch_in *b, unsigned i)
{
    return b->messages[i].msg_len;
}

/* Queues a datagram; DATA is borrowed until batch_flush. The caller flushes before the
 * BATCH_SIZE + 1st. */
void batch_add(struct batch_out *b, struct endpoint to, const uint8_t *data, size_t size);

/* Sends what is queued through FD. A datagram that the system refuses is given up, and FAILED (may
 * be NULL) told its errno; the rest still goes. Returns how many were sent. */
unsigned batch_flush(struct batch_out *b, int fd,
                     void (*failed)(void *context, struct endpoint to, int errnum), void *context);

#endif
