/* src/lab/datagram.c: taking datagrams apart, and changing them as a NAT does. */
#include "bytes.h"
#include "datagram.h"
#include "tap.h"
#include "udp.h"

static const struct endpoint here = {0x64400102, 5000}, there = {0xc0000201, 3544},
                             outside = {0xcb00710a, 61234};

/* A UDP datagram here -> there with 11 bytes of payload. */
static size_t make_udp(uint8_t *out, const struct udp_options *options)
{
    return udp4_encode(out, 1500, &(struct udp_message){here, there, "hello there", 11}, options);
}

static bool is_sound(const uint8_t *data, size_t size, struct endpoint from, struct endpoint to)
{
    struct udp_datagram d;
    struct wire_fault fault;

    return udp4_decode(data, size, false, &d, &fault) && endpoint_equal(d.from, from) &&
           endpoint_equal(d.to, to);
}

static uint16_t icmp_sum(const uint8_t *data, size_t size)
{
    return checksum_finish(checksum_add(0, data + 20, size - 20));
}

static void test_udp(void)
{
    uint8_t data[1500];
    size_t size = make_udp(data, NULL);
    struct datagram d = {0};

    ok(datagram_parse(data, size + 30, &d), "a datagram is taken apart, link padding or not");
    ok(d.outer.kind == DATAGRAM_UDP && endpoint_equal(d.outer.from, here) &&
           endpoint_equal(d.outer.to, there) && d.size == size,
       "its endpoints and size are found");
    datagram_set(&d, DATAGRAM_SOURCE, outside);
    ok(is_sound(data, size, outside, there), "a new source keeps both checksums right");
    datagram_set(&d, DATAGRAM_DESTINATION, here);
    ok(is_sound(data, size, outside, here), "a new destination keeps both checksums right");
    ok(endpoint_equal(d.outer.from, outside) && endpoint_equal(d.outer.to, here),
       "what is known of the datagram follows");
    datagram_decrement_ttl(&d);
    ok(is_sound(data, size, outside, here) && data[8] == 63 && d.outer.ip.ttl == 63,
       "one hop less keeps the header checksum right");
}

static void test_udp_checksums(void)
{
    uint8_t data[1500];
    struct udp_options none = {.checksum = UDP_CHECKSUM_ZERO},
                       wrong = {.checksum = UDP_CHECKSUM_WRONG};
    size_t size = make_udp(data, &none);
    struct datagram d = {0};
    struct udp_datagram udp;
    struct wire_fault fault;
    unsigned broken = 0;

    datagram_parse(data, size, &d);
    datagram_set(&d, DATAGRAM_SOURCE, outside);
    is_int(load_u16(data + 26), 0, "a UDP checksum of 0 stays 0");

    size = make_udp(data, &wrong);
    datagram_parse(data, size, &d);
    datagram_set(&d, DATAGRAM_SOURCE, outside);
    ok(!udp4_decode(data, size, false, &udp, &fault) && fault.reason == WIRE_UDP_CHECKSUM,
       "a wrong UDP checksum stays wrong");
    datagram_set(&d, DATAGRAM_SOURCE, here);
    ok(!udp4_decode(data, size, false, &udp, &fault), "and as wrong as it was");

    for (unsigned port = 1; port < 65536; port++) {
        struct endpoint e = {outside.address, (uint16_t)port};

        make_udp(data, NULL);
        datagram_parse(data, size, &d);
        datagram_set(&d, DATAGRAM_SOURCE, e);
        broken += !is_sound(data, size, e, there) || load_u16(data + 26) == 0;
    }
    is_int(broken, 0, "whatever the port, the checksum is right and never becomes 0 (none)");
}

static void test_broken(void)
{
    uint8_t data[1500], copy[1500] = {0};
    size_t size = make_udp(data, NULL);
    struct datagram d = {0};
    unsigned accepted = 0;
    struct ip4_header short_ip = {.ttl = 9,
                                  .protocol = IP_PROTOCOL_UDP,
                                  .source = here.address,
                                  .destination = there.address};
    struct writer w;

    for (size_t n = 0; n < size; n++)
        accepted += datagram_parse(data, n, &d);
    is_int(accepted, 0, "a datagram cut anywhere is broken");
    for (size_t i = 0; i < 20; i++) {
        memcpy(copy, data, size);
        copy[i] ^= 0x10;
        accepted += datagram_parse(copy, size, &d);
    }
    is_int(accepted, 0, "one bit of the IPv4 header turned is broken: its checksum tells");
    store_u16(data + 20, 0);
    ok(!datagram_parse(data, size, &d), "port 0 is broken");
    w = writer_of(data, sizeof data);
    ip4_encode(&w, &short_ip, 4);
    writer_u16(&w, here.port);
    writer_u16(&w, there.port);
    ok(!datagram_parse(data, 60, &d), "link padding does not complete a UDP header cut short");
}

static void test_kinds(void)
{
    uint8_t data[1500] = {0};
    struct writer w = writer_of(data, sizeof data);
    struct ip4_header ip = {
        .ttl = 9, .protocol = 47, .source = here.address, .destination = there.address};
    struct datagram d = {0};

    ip4_encode(&w, &ip, 4);
    ok(datagram_parse(data, 24, &d) && d.outer.kind == DATAGRAM_FOREIGN,
       "another protocol is foreign");
    w = writer_of(data, sizeof data);
    ip.protocol = IP_PROTOCOL_UDP;
    ip.more_fragments = true;
    ip4_encode(&w, &ip, 8);
    ok(datagram_parse(data, 28, &d) && d.outer.kind == DATAGRAM_FRAGMENT,
       "a first fragment is a fragment");
    w = writer_of(data, sizeof data);
    ip.more_fragments = false;
    ip.fragment_offset = 5;
    ip4_encode(&w, &ip, 1);
    ok(datagram_parse(data, 21, &d) && d.outer.kind == DATAGRAM_FRAGMENT,
       "a last fragment is a fragment, however short");
    ok(!datagram_may_be_answered(&d), "no ICMP error answers a fragment but the first");
    w = writer_of(data, sizeof data);
    ip.fragment_offset = 0;
    ip.protocol = IP_PROTOCOL_ICMP;
    ip4_encode(&w, &ip, 8);
    data[20] = 13;
    ok(datagram_parse(data, 28, &d) && d.outer.kind == DATAGRAM_OTHER,
       "an ICMP timestamp request is neither echo nor error");
    data[20] = 3;
    ok(datagram_parse(data, 28, &d) && d.outer.kind == DATAGRAM_OTHER && d.is_icmp_error,
       "an ICMP error about nothing is one that cannot be translated");
    ok(!datagram_may_be_answered(&d), "no ICMP error answers an ICMP error");
    data[20] = 13;
    datagram_parse(data, 28, &d);
    ok(datagram_may_be_answered(&d), "an ICMP error may answer another ICMP message");
    d.outer.ip.source = 0x7f000001;
    ok(!datagram_may_be_answered(&d), "no ICMP error goes to a source that is no host");
    d.outer.ip.source = here.address;
    d.outer.ip.destination = 0xe0000001;
    ok(!datagram_may_be_answered(&d), "no ICMP error answers a multicast");
}

static void test_echo(void)
{
    uint8_t data[1500] = {0};
    struct writer w = writer_of(data, sizeof data);
    struct ip4_header ip = {.ttl = 9,
                            .protocol = IP_PROTOCOL_ICMP,
                            .source = here.address,
                            .destination = there.address};
    struct datagram d = {0};

    ip4_encode(&w, &ip, 16);
    data[20] = 8;
    store_u16(data + 24, 777);
    store_u16(data + 22, icmp_sum(data, 36));
    ok(datagram_parse(data, 36, &d) && d.outer.kind == DATAGRAM_ECHO && d.outer.query == 777,
       "an echo request has its identifier");
    datagram_set(&d, DATAGRAM_SOURCE, (struct endpoint){outside.address, 888});
    ok(load_u16(data + 24) == 888 && icmp_sum(data, 36) == 0 && d.outer.query == 888,
       "a new identifier keeps the ICMP checksum right");
    ok(datagram_parse(data, 36, &d) && d.outer.from.address == outside.address &&
           d.outer.from.port == 0,
       "a new address keeps the header checksum right");
}

static void test_errors(void)
{
    uint8_t data[1500], error[576], big[1500], zeros[1400] = {0};
    struct udp_options none = {.checksum = UDP_CHECKSUM_ZERO};
    size_t size = make_udp(data, NULL), n;
    struct datagram d = {0}, e = {0};

    datagram_parse(data, size, &d);
    n = datagram_make_error(&d, (struct icmp_error){ICMP4_UNREACHABLE, ICMP4_HOST, 0xc00002fe},
                            error);
    ok(datagram_parse(error, n, &e) && e.outer.kind == DATAGRAM_ERROR && icmp_sum(error, n) == 0 &&
           error[20] == 3 && error[21] == 1,
       "an ICMP host unreachable is made");
    ok(e.outer.from.address == 0xc00002fe && e.outer.to.address == here.address,
       "from the router to the datagram's source");
    ok(e.inner.kind == DATAGRAM_UDP && endpoint_equal(e.inner.from, here) &&
           endpoint_equal(e.inner.to, there),
       "about the datagram");
    is_mem(error + 28, data, size, "which it quotes whole if it is small");

    datagram_set_inner(&e, DATAGRAM_SOURCE, outside);
    datagram_set(&e, DATAGRAM_DESTINATION, (struct endpoint){outside.address, 0});
    ok(datagram_parse(error, n, &e) && endpoint_equal(e.inner.from, outside) &&
           e.outer.to.address == outside.address,
       "the quoted datagram's source is translated, and both header checksums are right");
    is_int(icmp_sum(error, n), 0, "and the ICMP checksum is right");
    ok(is_sound(error + 28, size, outside, there), "and so is the quoted UDP checksum");

    size = make_udp(data, &none);
    datagram_parse(data, size, &d);
    n = datagram_make_error(&d, (struct icmp_error){ICMP4_TIME_EXCEEDED, 0, 0xc00002fe}, error);
    datagram_parse(error, n, &e);
    datagram_set_inner(&e, DATAGRAM_DESTINATION, outside);
    ok(icmp_sum(error, n) == 0 && load_u16(error + 28 + 26) == 0 && error[20] == 11,
       "a quoted UDP checksum of 0 stays 0");
    error[22] ^= 1;
    datagram_set_inner(&e, DATAGRAM_DESTINATION, there);
    ok(icmp_sum(error, n) != 0, "a wrong ICMP checksum stays wrong");

    size =
        udp4_encode(big, sizeof big, &(struct udp_message){here, there, zeros, sizeof zeros}, NULL);
    datagram_parse(big, size, &d);
    n = datagram_make_error(&d, (struct icmp_error){ICMP4_UNREACHABLE, ICMP4_NET, 0xc00002fe},
                            error);
    is_int((int64_t)n, 576, "a large datagram is quoted up to 576 bytes in all");
    ok(datagram_parse(error, n, &e) && e.outer.kind == DATAGRAM_ERROR,
       "a quotation that is cut is still understood");
}

int main(void)
{
    test_udp();
    test_udp_checksums();
    test_broken();
    test_kinds();
    test_echo();
    test_errors();
    return done_testing();
}
