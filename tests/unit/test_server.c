#include "server_fixture.h"

static void test_well_formed(void)
{
    uint8_t data[TEREDO_MAX_SIZE + 1] = {0};

    is_drop(give_bytes(client_a, SERVER_PRIMARY, data, 0), SERVER_DROP_MALFORMED,
            "5.3.1 rule 1: an empty datagram is silently discarded");
    is_drop(give_hex(client_a, "6000000000083aff fe80"), SERVER_DROP_MALFORMED,
            "5.3.1 rule 1: so is one that ends inside the IPv6 header");
    is_int(reply.fault.reason, WIRE_TRUNCATED, "and the fault says why");
    is_drop(give_hex(client_a, "45000000"), SERVER_DROP_MALFORMED,
            "5.3.1 rule 1: so is one that begins with no element of 5.1.1");
    is_drop(give_hex(client_a, SAMPLE_AUTH SAMPLE_AUTH SAMPLE_RS_IP6), SERVER_DROP_MALFORMED,
            "5.3.1 rule 1: so is one with two authentication headers");
    is_drop(give_hex(client_a, "6000000000083aff fe800000000000000000ffffffffffff "
                               "ff020000000000000000000000000002 85007d3800000000"),
            SERVER_DROP_MALFORMED, "a solicitation with a wrong checksum is silently discarded");
    is_drop(give_hex(client_a, SAMPLE_BUBBLE "4100"), SERVER_DROP_TRAILER,
            "RFC 6081: an unknown trailer of a type in 01xxxxxx discards the packet");
    is_drop(give_bytes(client_a, SERVER_PRIMARY, data, sizeof data), SERVER_DROP_TOO_LARGE,
            "a datagram larger than any that is relayed is discarded unread");
}

static void test_bubble_or_icmp6(void)
{
    struct in6_addr a = teredo_address(PRIMARY, client_a), b = teredo_address(PRIMARY, client_b);
    struct teredo_packet p = make_bubble(a, b);

    p.ip6.next_header = 17;
    memset(body, 0, 8);
    p.payload = body;
    p.payload_size = 8;
    is_drop(give(client_a, &p), SERVER_DROP_NOT_BUBBLE_OR_ICMP6,
            "5.3.1 rule 2: what is neither a bubble nor ICMPv6 is discarded");
    p.ip6.next_header = IP_PROTOCOL_NONE;
    is_drop(give(client_a, &p), SERVER_DROP_NOT_BUBBLE_OR_ICMP6,
            "5.3.1 rule 2: No Next Header with a payload is no bubble");
}

static void test_source_global(void)
{
    static const struct {
        uint32_t address;
        const char *name;
    } refused[] = {
        {0x00000001, "0.0.0.0/8"},       {0x7f000001, "127.0.0.0/8"},
        {0x0a000001, "10.0.0.0/8"},      {0xac100001, "172.16.0.0/12"},
        {0xc0a80001, "192.168.0.0/16"},  {0xa9fe0001, "169.254.0.0/16"},
        {0xc0586301, "192.88.99.0/24"},  {0xe0000001, "224.0.0.0/4"},
        {0xffffffff, "255.255.255.255"},
    };
    struct in6_addr source = link_local(0);
    struct teredo_packet p = make_rs(&source);

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char rule[100];

        snprintf(rule, sizeof rule, "5.3.1 rule 3: an IPv4 source in %s is silently discarded",
                 refused[i].name);
        is_drop(give((struct endpoint){refused[i].address, 4000}, &p),
                SERVER_DROP_SOURCE_NOT_GLOBAL, rule);
    }
    is_drop(give((struct endpoint){client_a.address, 0}, &p), SERVER_DROP_SOURCE_PORT_ZERO,
            "a packet from UDP port 0, where no answer can go, is discarded");
    is_drop(give((struct endpoint){PRIMARY, TEREDO_PORT}, &p), SERVER_DROP_SOURCE_IS_SERVER,
            "a packet that claims to come from the server's own endpoint is discarded");
    is_drop(give((struct endpoint){SECONDARY, TEREDO_PORT}, &p), SERVER_DROP_SOURCE_IS_SERVER,
            "and so is one from its secondary endpoint");
    is_drop(give((struct endpoint){PRIMARY, 4000}, &p), SERVER_ACCEPTED,
            "but a client on the server's own host is like any other");

    config.allow_private = true;
    server_init(&server, &config);
    is_drop(give((struct endpoint){0x0a000001, 4000}, &p), SERVER_ACCEPTED,
            "with allow_private a private source is accepted");
    is_drop(give((struct endpoint){0x7f000001, 4000}, &p), SERVER_ACCEPTED,
            "with allow_private a loopback source is accepted");
    is_drop(give((struct endpoint){0xe0000001, 4000}, &p), SERVER_DROP_SOURCE_NOT_GLOBAL,
            "even with allow_private a multicast source is discarded");
    is_drop(give((struct endpoint){0x00000001, 4000}, &p), SERVER_DROP_SOURCE_NOT_GLOBAL,
            "even with allow_private a source in 0.0.0.0/8 is discarded");
    set_up();
}

static void test_router_solicitation(void)
{
    uint8_t want[256];
    size_t size = hex_read(SAMPLE_RA, want);
    struct in6_addr source = link_local(0), cone = link_local(0x8000), expected, a;
    struct teredo_packet p;
    uint8_t data[256];
    struct writer w = writer_of(data, sizeof data);

    is_drop(give_hex(client_a, SAMPLE_RS), SERVER_ACCEPTED,
            "5.3.1 rule 4: a solicitation from a link-local address to ff02::2 is accepted");
    is_int(reply.kind, SERVER_ADVERTISED, "5.3.2: the server responds with an advertisement");
    is_int((int64_t)reply.size, (int64_t)size, "as long as miredo-server's");
    is_mem(reply.data, want, size, "and the same byte for byte");
    ok(endpoint_equal(reply.to, client_a),
       "5.3.2: it is sent to the mapped address and port of the client");
    is_int(reply.from, SERVER_PRIMARY,
           "5.3.2: with cone bit 0 it is sent from the address that was solicited");

    p = make_rs(&source);
    is_drop(give(client_b, &p), SERVER_ACCEPTED,
            "a solicitation without an authentication header is answered");
    p = answer();
    ok(!p.has_auth && p.has_origin && endpoint_equal(p.origin, client_b),
       "5.3.2: by an advertisement with an origin indication and no authentication header");
    is_int(p.icmp6.ra.prefix_count, 1, "5.3.2: it advertises one prefix");
    expected = teredo_address(PRIMARY, (struct endpoint){0});
    is_mem(&p.icmp6.ra.prefix.prefix, &expected, 8,
           "5.3.2: composed from the service prefix and the server's IPv4 address");
    is_int(p.icmp6.ra.prefix.length, 64, "64 bits long");
    is_int(p.icmp6.ra.mtu, 1280, "5.1.2: and the MTU, 1280");
    expected = teredo_link_local(0x8000, (struct endpoint){PRIMARY, TEREDO_PORT});
    ok(ip6_equal(&p.ip6.source, &expected),
       "5.3.2: from a link-local address of cone bit 1, the server's port and address");
    ok(ip6_equal(&p.ip6.destination, &source), "5.3.2: to the source of the solicitation");
    is_int(p.ip6.hop_limit, 255, "RFC 4861 6.1.2: with hop limit 255");

    p = make_rs(&cone);
    teredo_encode(&w, &p);
    is_drop(give_bytes(client_a, SERVER_PRIMARY, data, w.size), SERVER_ACCEPTED,
            "a solicitation with cone bit 1 is answered");
    is_int(reply.from, SERVER_SECONDARY, "5.3.2: from a different address than it was received at");
    give_bytes(client_a, SERVER_SECONDARY, data, w.size);
    is_int(reply.from, SERVER_PRIMARY, "also if it was received at the secondary address");
    w.size = 0;
    p = make_rs(&source);
    teredo_encode(&w, &p);
    give_bytes(client_a, SERVER_SECONDARY, data, w.size);
    is_int(reply.from, SERVER_SECONDARY,
           "5.3.2: with cone bit 0 the secondary answers what the secondary got");
    p = answer();
    ok(ip6_equal(&p.ip6.source, &expected), "in the name of the primary, as miredo-server does");

    p.ip6.hop_limit = 254;
    p = make_rs(&source);
    p.ip6.hop_limit = 254;
    is_drop(give(client_a, &p), SERVER_DROP_RS_HOP_LIMIT,
            "RFC 4861 6.1.1: a solicitation with a hop limit other than 255 is discarded");
    p = make_icmp6(ICMP6_TYPE_RS, 1, source, all_routers);
    is_drop(give(client_a, &p), SERVER_DROP_RS_MALFORMED,
            "RFC 4861 6.1.1: a solicitation with a code other than 0 is discarded");
    a = teredo_address(PRIMARY, client_a);
    p = make_rs(&a);
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1 rule 5: a solicitation from the client's Teredo address is accepted");
    is_int(reply.kind, SERVER_ADVERTISED, "and answered like any");
    is_drop(give(client_b, &p), SERVER_DROP_SOURCE_MISMATCH, "if it is its own");
    p = make_rs(&native);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_OUR_CLIENT,
            "5.3.1 rule 7: a solicitation from another address is silently discarded");

    config.mtu = 1400;
    server_init(&server, &config);
    give_hex(client_a, SAMPLE_RS);
    p = answer();
    is_int(p.icmp6.ra.mtu, 1400, "another MTU is advertised if the operator says so");
    set_up();
}

static void test_source_address(void)
{
    struct in6_addr a = teredo_address(PRIMARY, client_a), b = teredo_address(PRIMARY, client_b);
    struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT, any = IN6ADDR_ANY_INIT;
    struct endpoint wrong_port = {client_a.address, client_a.port + 1};
    struct endpoint wrong_address = {client_a.address + 1, client_a.port};
    struct teredo_packet p = make_bubble(a, b);

    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1 rule 5: a Teredo source that holds the IPv4 source and port is accepted");
    is_drop(give(wrong_port, &p), SERVER_DROP_SOURCE_MISMATCH,
            "5.3.1 rule 5: one with another port is discarded");
    is_drop(give(wrong_address, &p), SERVER_DROP_SOURCE_MISMATCH,
            "5.3.1 rule 5: one with another address is discarded");
    p = make_bubble(link_local(0x1c2b), b);
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1 rule 6: a link-local source is accepted towards our client (miredo's bubbles)");
    p = make_bubble(native, b);
    is_drop(give(relay_host, &p), SERVER_ACCEPTED,
            "5.3.1 rule 6: a native source is accepted towards our client (a relay's bubble)");
    a.s6_addr[0] = 0x3f;
    a.s6_addr[1] = 0xfe;
    a.s6_addr[2] = 0x83;
    a.s6_addr[3] = 0x1f;
    p = make_bubble(a, b);
    is_drop(give(relay_host, &p), SERVER_ACCEPTED,
            "an address of the old prefix is no Teredo address any more");
    b = teredo_address(OTHER_SERVER, client_b);
    p = make_bubble(native, b);
    is_drop(give(relay_host, &p), SERVER_DROP_NOT_OUR_CLIENT,
            "5.3.1 rule 7: a native source towards another server's client is discarded");
    p = make_bubble(link_local(0), b);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_OUR_CLIENT,
            "5.3.1 rule 7: and so is a link-local one");
    p = make_bubble(link_local(0), all_routers);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_OUR_CLIENT,
            "5.3.1 rule 7: a bubble from a link-local address to ff02::2 is no solicitation");
    p = make_echo(link_local(0), server.link_local, 4);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_OUR_CLIENT,
            "5.3.1 rule 7: nor is an echo request to the server from one");

    b = teredo_address(PRIMARY, client_b);
    p = make_bubble(all_routers, b);
    is_drop(give(client_a, &p), SERVER_DROP_IP6_SOURCE_INVALID,
            "RFC 4291 2.7: a multicast source is never forwarded");
    p = make_bubble(any, b);
    is_drop(give(client_a, &p), SERVER_DROP_IP6_SOURCE_INVALID,
            "RFC 4291 2.5.2: nor is the unspecified address");
    p = make_bubble(loopback, b);
    is_drop(give(client_a, &p), SERVER_DROP_IP6_SOURCE_INVALID,
            "RFC 4291 2.5.3: nor is the loopback address");
    p = make_echo(link_local(0), b, 4);
    is_drop(give(client_a, &p), SERVER_DROP_IP6_SOURCE_INVALID,
            "RFC 4291 2.5.6: nor is a link-local one, but in a bubble");
}

static void test_server_itself(void)
{
    struct in6_addr a = teredo_address(PRIMARY, client_a), destination;
    struct teredo_packet p = make_echo(a, server.link_local, 56);
    uint8_t request[8 + 56];

    memcpy(request, body, sizeof request);
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1: an echo request to the link-local address of the server is processed");
    is_int(reply.kind, SERVER_ECHOED, "by an echo reply");
    is_int((int64_t)reply.size, 40 + 8 + 56, "of the very size of the request");
    ok(endpoint_equal(reply.to, client_a) && reply.from == SERVER_PRIMARY,
       "to where it came from, from where it went to");
    p = answer();
    ok(p.kind == TEREDO_ECHO_REPLY && ip6_equal(&p.ip6.source, &server.link_local) &&
           ip6_equal(&p.ip6.destination, &a) && !p.has_origin,
       "from the server to the client, nothing in front");
    is_mem(p.payload + 4, request + 4, sizeof request - 4,
           "RFC 4443 4.2: with its identifier, sequence number and data");
    p = make_echo(a, all_routers, 4);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "5.3.1: and one to ff02::2");
    p = answer();
    ok(ip6_equal(&p.ip6.source, &server.link_local), "RFC 4443 4.2: from the unicast address");
    p = make_echo(a, server.link_local, TEREDO_MTU - 48);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "an echo request may fill the MTU");
    is_int((int64_t)reply.size, TEREDO_MTU, "and its answer fills it too");

    p = make_bubble(a, server.link_local);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_FOR_SERVER, "a bubble to the server is discarded");
    p = make_icmp6(ICMP6_TYPE_ECHO_REPLY, 0, a, server.link_local);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_FOR_SERVER,
            "and so is an echo reply, which would make a loop");
    p = make_icmp6(ICMP6_TYPE_ECHO_REQUEST, 1, a, server.link_local);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_FOR_SERVER,
            "and an echo request with a code other than 0");
    destination = link_local(0x8000);
    p = make_echo(a, destination, 4);
    is_drop(give(client_a, &p), SERVER_DROP_DESTINATION_NOT_GLOBAL,
            "another link-local address is not the server's");
}

static void test_destination_scope(void)
{
    static const struct {
        const char *hex;
        const char *name;
    } local[] = {
        {"00000000000000000000000000000000", "the unspecified address"},
        {"00000000000000000000000000000001", "the loopback address"},
        {"fe800000000000000000000000000001", "a link-local address"},
        {"fec00000000000000000000000000001", "a site-local address"},
        {"ff020000000000000000000000000001", "all nodes"},
        {"ff0e0000000000000000000000000001", "a multicast group"},
    };
    struct in6_addr a = teredo_address(PRIMARY, client_a), destination = IN6ADDR_ANY_INIT;
    struct teredo_packet p;

    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        char rule[100];

        snprintf(rule, sizeof rule, "5.3.1: a packet to %s is not forwarded", local[i].name);
        hex_read(local[i].hex, destination.s6_addr);
        p = make_bubble(a, destination);
        is_drop(give(client_a, &p), SERVER_DROP_DESTINATION_NOT_GLOBAL, rule);
    }
    p = make_echo(a, native, 4);
    is_drop(give(client_a, &p), SERVER_DROP_NO_IP6_ROUTE,
            "5.3.1: a native destination would be for the IPv6 Internet, where no route leads");
    destination = teredo_address(PRIMARY, client_b);
    memcpy(destination.s6_addr, "\x3f\xfe\x83\x1f", 4);
    p = make_bubble(a, destination);
    is_drop(give(client_a, &p), SERVER_DROP_NO_IP6_ROUTE,
            "and an address of the old prefix is native");
}

static void test_words(void)
{
    unsigned bad = 0;

    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++) {
        const char *code = code_of(&server_drops, (enum server_drop)i);
        const char *rfc = server_drops.list[i].rfc;
        const char *text = text_of(&server_drops, (enum server_drop)i);

        if (code == NULL || rfc == NULL || text == NULL) {
            bad++;
            continue;
        }
        bad += strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(code);
        bad += strncmp(rfc, "RFC ", 4) != 0 || strlen(text) < 20;
        for (int k = SERVER_ACCEPTED + 1; k < i; k++)
            bad += strcmp(code, code_of(&server_drops, (enum server_drop)k)) == 0;
    }
    is_int(bad, 0, "each reason has a code of its own, a section and a sentence");
    is_str(code_of(&server_drops, SERVER_DROP_SOURCE_MISMATCH), "source_mismatch",
           "codes are stable");
    is_str(code_of(&server_replies, SERVER_ADVERTISED), "advertised", "an answer has a name");
    is_str(code_of(&server_replies, SERVER_RELAYED), "relayed", "each kind has");
    is_str(code_of(&server_replies, SERVER_ECHOED), "echoed", "its own");
}

int main(void)
{
    set_up();
    test_well_formed();
    test_bubble_or_icmp6();
    test_source_global();
    test_router_solicitation();
    test_source_address();
    test_server_itself();
    test_destination_scope();
    test_words();
    return done_testing();
}
