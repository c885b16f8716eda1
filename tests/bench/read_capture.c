/* Reads a capture through libpcap and does nothing with it: the limit for all who do more.
 *
 *     read_capture FILE
 */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
    uint64_t *counts = (uint64_t *)user;

    (void)data;
    counts[0]++;
    counts[1] += header->caplen;
}

int main(int argc, char **argv)
{
    char errbuf[PCAP_ERRBUF_SIZE] = "usage: read_capture FILE";
    uint64_t counts[2] = {0};
    pcap_t *pcap = argc == 2 ? pcap_open_offline(argv[1], errbuf) : NULL;

    if (pcap == NULL || pcap_loop(pcap, -1, count, (u_char *)counts) != 0) {
        fprintf(stderr, "read_capture: %s\n", pcap == NULL ? errbuf : pcap_geterr(pcap));
        return 65;
    }
    printf("%llu packets, %llu bytes\n", (unsigned long long)counts[0],
           (unsigned long long)counts[1]);
    pcap_close(pcap);
    return 0;
}
