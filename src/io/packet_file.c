#include "packet_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cursor.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    MAC_ADDRESSES_SIZE = 12,
    SLL_BEFORE_PROTOCOL = 14,
    SLL2_AFTER_PROTOCOL = 18,
};

/* Passes over the link header; false if the link type is none of ours or what follows no IPv4. */
static bool skip_link_header(struct reader *r, int link)
{
    uint16_t type = ETHERTYPE_IPV4;

    switch (link) {
    case DLT_RAW:
    case DLT_IPV4:
        break;
    case DLT_EN10MB:
        reader_take(r, MAC_ADDRESSES_SIZE);
        type = reader_u16(r);
        break;
    case DLT_LINUX_SLL:
        reader_take(r, SLL_BEFORE_PROTOCOL);
        type = reader_u16(r);
        break;
    case DLT_LINUX_SLL2:
        type = reader_u16(r);
        reader_take(r, SLL2_AFTER_PROTOCOL);
        break;
    default:
        return false;
    }
    return !r->failed && type == ETHERTYPE_IPV4;
}

static pcap_t *open_file(const char *path, struct error *error)
{
    char message[PCAP_ERRBUF_SIZE];
    bool from_stdin = strcmp(path, "-") == 0;
    FILE *file = from_stdin ? stdin : fopen(path, "rbe");
    pcap_t *pcap;

    if (file == NULL) {
        error_set(error, EX_NOINPUT, errno, "cannot read %s", path);
        return NULL;
    }
    pcap = pcap_fopen_offline(file, message);
    if (pcap == NULL) {
        if (!from_stdin)
            fclose(file);
        error_set(error, EX_DATAERR, 0, "%s is not a capture file: %s", path, message);
    }
    return pcap;
}

/* Passes over the packets before; 0, or -1 and ERROR filled. */
static int pass_to(pcap_t *pcap, const char *path, unsigned long number,
                   struct pcap_pkthdr **header, const u_char **bytes, struct error *error)
{
    unsigned long passed = 0;

    do {
        int result = pcap_next_ex(pcap, header, bytes);

        if (result == PCAP_ERROR_BREAK)
            return error_set(error, EX_DATAERR, 0, "%s has no packet %lu, but %lu in all", path,
                             number, passed);
        if (result != 1)
            return error_set(error, EX_DATAERR, 0, "cannot read packet %lu of %s: %s", passed + 1,
                             path, pcap_geterr(pcap));
    } while (++passed < number);
    return 0;
}

static size_t find_packet(pcap_t *pcap, const char *path, unsigned long number,
                          uint8_t buf[static PACKET_FILE_ROOM], struct error *error)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    struct reader r;
    size_t size;

    if (pass_to(pcap, path, number, &header, &bytes, error) != 0)
        return 0;
    if (header->caplen < header->len) {
        error_set(error, EX_DATAERR, 0, "packet %lu of %s was cut: the file has %u of %u bytes",
                  number, path, header->caplen, header->len);
        return 0;
    }
    r = reader_of(bytes, header->caplen);
    if (!skip_link_header(&r, pcap_datalink(pcap)) || reader_left(&r) == 0 ||
        reader_left(&r) > PACKET_FILE_ROOM) {
        const char *link = pcap_datalink_val_to_name(pcap_datalink(pcap));

        error_set(error, EX_DATAERR, 0,
                  "packet %lu of %s is not an IPv4 packet behind Ethernet, Linux "
                  "cooked or no link header (link type %s)",
                  number, path, link != NULL ? link : "unknown");
        return 0;
    }
    size = reader_left(&r);
    reader_copy(&r, buf, size);
    return size;
}

size_t packet_file_read(const char *path, unsigned long number,
                        uint8_t buf[static PACKET_FILE_ROOM], struct error *error)
{
    pcap_t *pcap = open_file(path, error);
    size_t size;

    if (pcap == NULL)
        return 0;
    size = find_packet(pcap, path, number, buf, error);
    pcap_close(pcap);
    return size;
}
