#include "pcap_writer.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "output_file.h"

enum {
    PACKET_SIZE = 65535
};

struct pcap_writer {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    char *path;
    int errnum; /* of the first write that failed; 0 = none yet */
    uint16_t id;
};

static FILE *open_file(const char *path, struct error *error)
{
    bool is_stdout = strcmp(path, "-") == 0;
    struct output_file place = {.directory = -1};
    FILE *file = NULL;
    int fd = -1;

    if (is_stdout)
        fd = dup(STDOUT_FILENO);
    else if (output_file_find(&place, path, error) == 0)
        fd = output_file_open(&place, error);
    if (is_stdout && fd < 0)
        error_set(error, EX_CANTCREAT, errno, "cannot create %s", path);
    if (fd >= 0 && (file = fdopen(fd, "w")) == NULL) {
        error_set(error, EX_OSERR, errno, "cannot create %s", path);
        close(fd);
    }
    output_file_clear(&place);
    return file;
}

static int open_dumper(struct pcap_writer *w, enum pcap_writer_link link, struct error *error)
{
    static const int links[] = {[PCAP_WRITER_RAW] = DLT_RAW, [PCAP_WRITER_ETHERNET] = DLT_EN10MB};
    FILE *file = open_file(w->path, error);

    if (file == NULL)
        return -1;
    w->pcap =
        pcap_open_dead_with_tstamp_precision(links[link], PACKET_SIZE, PCAP_TSTAMP_PRECISION_NANO);
    if (w->pcap != NULL)
        w->dumper = pcap_dump_fopen(w->pcap, file);
    if (w->dumper != NULL)
        return 0;
    fclose(file);
    return error_set(error, EX_CANTCREAT, ENOMEM, "cannot create %s", w->path);
}

static void release(struct pcap_writer *w)
{
    if (w->pcap != NULL)
        pcap_close(w->pcap);
    free(w->path);
    free(w);
}

struct pcap_writer *pcap_writer_open(const char *path, enum pcap_writer_link link,
                                     struct error *error)
{
    struct pcap_writer *w = calloc(1, sizeof *w);

    if (w == NULL || (w->path = strdup(path)) == NULL) {
        free(w);
        error_set(error, EX_OSERR, ENOMEM, "cannot write %s", path);
        return NULL;
    }
    if (open_dumper(w, link, error) == 0)
        return w;
    release(w);
    return NULL;
}

/* Says why the first write failed as long as that is known. */
static void note_failure(struct pcap_writer *w, bool failed)
{
    if (failed && w->errnum == 0)
        w->errnum = errno != 0 ? errno : EIO;
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

    errno = 0;
    pcap_dump((u_char *)w->dumper, &header, packet);
    note_failure(w, ferror(pcap_dump_file(w->dumper)) != 0);
}

int pcap_writer_close(struct pcap_writer *w, struct error *error)
{
    int result = 0;

    errno = 0;
    note_failure(w, pcap_dump_flush(w->dumper) != 0);
    if (w->errnum != 0)
        result = error_set(error, EX_IOERR, w->errnum, "cannot write %s", w->path);
    pcap_dump_close(w->dumper);
    release(w);
    return result;
}
