/* src/io/packet_file.c: one packet out of files of each link type. */
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "capture.h"
#include "hex.h"
#include "packet_file.h"
#include "tap.h"

#define IP4_PACKET "45000014 00000000 4011 0000 7f000001 7f000001"

static char path[] = "/tmp/test_packet_file.XXXXXX";
static uint8_t got[PACKET_FILE_ROOM];

/* A file of COUNT equal packets, their last CUT bytes not saved. */
static void write_file(int link, const char *hex, unsigned count, unsigned cut)
{
    pcap_t *pcap = pcap_open_dead(link, 65535);
    pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
    uint8_t bytes[256];
    size_t size = hex_read(hex, bytes);
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)size - cut, .len = (bpf_u_int32)size};

    for (unsigned i = 0; i < count; i++)
        pcap_dump((u_char *)dumper, &header, bytes);
    pcap_dump_close(dumper);
    pcap_close(pcap);
}

static size_t read_packet(unsigned long number, uint8_t *out, struct error *error)
{
    struct capture *c = packet_file_open(path, error);
    size_t size = c != NULL ? packet_file_read(c, number, out, error) : 0;

    capture_close(c);
    return size;
}

static void test_links(void)
{
    static const struct {
        int link;
        const char *header, *what;
        bool readable;
    } rows[] = {
        {DLT_RAW, "", "raw IP", true},
        {DLT_IPV4, "", "raw IPv4", true},
        {DLT_EN10MB, "020000000001 020000000002 0800", "Ethernet", true},
        {DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0800", "Linux cooked", true},
        {DLT_LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000", "Linux cooked 2", true},
        {DLT_EN10MB, "020000000001 020000000002 8100 0064 0800", "Ethernet with a VLAN tag", true},
        {DLT_NULL, "00000002", "loopback", true},
        {DLT_EN10MB, "020000000001 020000000002 86dd", "Ethernet, IPv6", false},
        {DLT_LINUX_SLL, "0000 0001 0006 0200000000010000 0806", "Linux cooked, ARP", false},
        {DLT_IEEE802_11, "", "a link type of no use here", false},
    };
    uint8_t want[32];
    size_t size = hex_read(IP4_PACKET, want);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error error = {0};
        char hex[256];
        size_t n;

        snprintf(hex, sizeof hex, "%s %s", rows[i].header, IP4_PACKET);
        write_file(rows[i].link, hex, 1, 0);
        n = read_packet(1, got, &error);
        if (rows[i].readable)
            ok(n == size && memcmp(got, want, size) == 0, "%s is read", rows[i].what);
        else
            ok(n == 0 && error.status == EX_DATAERR, "%s is told: %s", rows[i].what, error.what);
    }
}

static void test_numbers(void)
{
    struct error error = {0};

    write_file(DLT_RAW, IP4_PACKET, 3, 0);
    ok(read_packet(3, got, &error) == 20, "packets count from 1 to the last");
    ok(read_packet(4, got, &error) == 0 && error.status == EX_DATAERR,
       "one beyond is malformed input");
    is_str(strrchr(error.what, ' ') - 4, "3 in all", "and it is told how many there are");
}

static void test_damage(void)
{
    struct error error = {0};
    FILE *file;

    write_file(DLT_RAW, IP4_PACKET, 1, 1);
    ok(read_packet(1, got, &error) == 0 && error.status == EX_DATAERR,
       "a packet cut by the snap length is told");
    write_file(DLT_RAW, IP4_PACKET, 2, 0);
    ok(truncate(path, 24 + 16 + 20 + 16 + 5) == 0 && read_packet(1, got, &error) == 20 &&
           read_packet(2, got, &error) == 0 && error.status == EX_DATAERR,
       "a file cut in its second packet still has the first");
    file = fopen(path, "w");
    fputs("no capture at all, but long enough for a header\n", file);
    fclose(file);
    ok(read_packet(1, got, &error) == 0 && error.status == EX_DATAERR,
       "another kind of file is told");
    file = fopen(path, "w");
    fclose(file);
    ok(read_packet(1, got, &error) == 0 && error.status == EX_NOINPUT, "an empty file is no input");
    write_file(DLT_EN10MB, "020000000001 020000000002 0800", 1, 0);
    ok(read_packet(1, got, &error) == 0 && error.status == EX_DATAERR,
       "a frame without a packet is told");
    unlink(path);
    ok(read_packet(1, got, &error) == 0 && error.status == EX_NOINPUT,
       "a file that is not there is no input");
}

int main(void)
{
    if (mkstemp(path) < 0)
        return 1;
    test_links();
    test_numbers();
    test_damage();
    return done_testing();
}
