/* As many Teredo servers as the loopback network has pairs of addresses, for the tests of many
 * servers at once: one socket on all addresses, each packet answered from the address to which it
 * came. Even addresses are primary ones, the odd ones after them their secondary ones.
 *
 *     many_servers PORT
 *
 * Prints "ready" once it can be asked; runs until it is killed. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

enum {
    BUFFER = 4 << 20
};

struct question {
    struct sockaddr_in from;
    uint32_t to;
    size_t size;
    uint8_t data[TEREDO_MAX_SIZE];
};

static int open_socket(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, buffer = BUFFER;

    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) {
        perror("many_servers");
        exit(1);
    }
    /* Not needed, but kind to whoever asks fast. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    return fd;
}

union reference {
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr align;
};

static void receive(int fd, struct question *q)
{
    union reference reference;
    struct iovec iov = {q->data, sizeof q->data};
    struct msghdr msg = {.msg_name = &q->from,
                         .msg_namelen = sizeof q->from,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = reference.bytes,
                         .msg_controllen = sizeof reference.bytes};
    ssize_t n = recvmsg(fd, &msg, 0);
    struct in_pktinfo info = {0};

    q->size = n < 0 ? 0 : (size_t)n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); n >= 0 && c != NULL; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            memcpy(&info, CMSG_DATA(c), sizeof info);
    q->to = ntohl(info.ipi_addr.s_addr);
}

static void answer(int fd, const struct server_reply *reply, uint32_t from)
{
    union reference reference = {{0}};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(from)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(reply->to.port),
                             .sin_addr.s_addr = htonl(reply->to.address)};
    struct iovec iov = {(void *)reply->data, reply->size};
    struct msghdr msg = {.msg_name = &to,
                         .msg_namelen = sizeof to,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = reference.bytes,
                         .msg_controllen = sizeof reference.bytes};

    reference.align = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO};
    memcpy(CMSG_DATA(&reference.align), &info, sizeof info);
    if (sendmsg(fd, &msg, 0) < 0)
        perror("many_servers");
}

int main(int argc, char **argv)
{
    static struct question q;
    static struct server_reply reply;
    struct server_config config = {.mtu = 1280, .allow_private = true};
    int fd;

    if (argc != 2) {
        fprintf(stderr, "usage: many_servers PORT\n");
        return 64;
    }
    config.port = (uint16_t)strtoul(argv[1], NULL, 10);
    fd = open_socket(config.port);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct server server;
        struct server_datagram datagram;

        receive(fd, &q);
        datagram = (struct server_datagram){
            {ntohl(q.from.sin_addr.s_addr), ntohs(q.from.sin_port)},
            q.to % 2 == 0 ? SERVER_PRIMARY : SERVER_SECONDARY,
            q.data,
            q.size,
        };
        config.primary = datagram.at == SERVER_PRIMARY ? q.to : q.to - 1;
        config.secondary = config.primary + 1;
        server_init(&server, &config);
        if (server_process(&server, &datagram, &reply) == SERVER_ACCEPTED)
            answer(fd, &reply, reply.from == SERVER_PRIMARY ? config.primary : config.secondary);
    }
}
