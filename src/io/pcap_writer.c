#include "pcap_writer.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
    PACKET_SIZE = 65535
};

struct pcap_writer {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    char *path;
    uint16_t id;
};

struct pcap_writer *pcap_writer_open(const char *path, struct error *error)
{
    struct pcap_writer *w = calloc(1, sizeof *w);

    if (w == NULL || (w->path = strdup(path)) == NULL) {
        free(w);
        error_set(error, EX_OSERR, ENOMEM, "cannot write %s", path);
        return NULL;
    }
    w->pcap =
        pcap_open_dead_with_tstamp_precision(DLT_RAW, PACKET_SIZE, PCAP_TSTAMP_PRECISION_NANO);
    if (w->pcap != NULL)
        w->dumper = pcap_dump_open(w->pcap, path);
    if (w->dumper == NULL) {
        error_set(error, EX_CANTCREAT, 0, "cannot create the capture file: %s",
                  w->pcap != NULL ? pcap_geterr(w->pcap) : path);
        if (w->pcap != NULL)
            pcap_close(w->pcap);
        free(w->path);
        free(w);
        return NULL;
    }
    return w;
}

void pcap_writer_add(struct pcap_writer *w, nsec when, const struct udp_message *message,
                     uint8_t ttl)
{
    static uint8_t packet[PACKET_SIZE];
    struct udp_options options = {.ttl = ttl, .id = ++w->id};
    size_t n = udp4_encode(packet, sizeof packet, message, &options);

    if (n > 0)
        pcap_writer_add_packet(w, when, packet, n);
}

void pcap_writer_add_packet(struct pcap_writer *w, nsec when, const uint8_t *packet, size_t size)
{
    struct pcap_pkthdr header = {
        .ts = {.tv_sec = when / NSEC_S, .tv_usec = when % NSEC_S},
        .caplen = (bpf_u_int32)size,
        .len = (bpf_u_int32)size,
    };

    pcap_dump((u_char *)w->dumper, &header, packet);
}

int pcap_writer_close(struct pcap_writer *w, struct error *error)
{
    int result = 0;

    if (pcap_dump_flush(w->dumper) != 0 || ferror(pcap_dump_file(w->dumper)))
        result = error_set(error, EX_IOERR, errno, "cannot write %s", w->path);
    pcap_dump_close(w->dumper);
    pcap_close(w->pcap);
    free(w->path);
    free(w);
    return result;
}
