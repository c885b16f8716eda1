#include "hex.h"
#include "samples.h"
#include "tap.h"
#include "teredo_flows.h"

#define TEREDO_A "20010000c00002012c5a63bf34ff8ef6" /* 203.0.113.9:40000 by 192.0.2.1 */
#define TEREDO_B "20010000c00002811cda700b39cc9beb" /* 198.51.100.20:36852 by 192.0.2.129 */
#define GLOBAL "20010db8000000000000000000000001"
#define LINK_LOCAL "fe800000000000001c2b3a495867768e"
#define BUBBLE_AB "6000000000003b00" TEREDO_A TEREDO_B
#define BUBBLE_BA "6000000000003b00" TEREDO_B TEREDO_A
/* IPv6 by its form, and no more. */
#define FORM "60000000000411 40" GLOBAL GLOBAL "00000000"
#define ORIGIN_A "000063bf34ff8ef6"

static const struct endpoint a = {0xcb007109, 40000}, b = {0xc6336414, 36852};
static const struct endpoint server_a = {0xc0000201, 3544}, server_b = {0xc0000281, 3544};

static struct teredo_flows *teredo_flows;
static struct captured_packet seen;
static struct packet_copies *copies; /* NULL = none are looked for */

static void begin(size_t flows)
{
    struct teredo_flows_config config = {.flows = flows, .seed = 5, .summary = true};

    teredo_flows_free(teredo_flows);
    teredo_flows = teredo_flows_new(&config);
}

static bool look_at(struct endpoint from, struct endpoint to, const char *hex, nsec when)
{
    static const struct wire_fault fine;
    static uint8_t data[512];

    seen.udp = (struct udp_datagram){.from = from, .to = to, .payload = data};
    seen.udp.payload_size = hex_read(hex, data);
    seen.udp.length = (uint16_t)(UDP_HEADER_SIZE + seen.udp.payload_size);
    seen.when = when;
    return teredo_flows_look(teredo_flows, copies, &seen, &fine);
}

static struct flows_summary summary(void)
{
    struct flows_summary sum;

    teredo_flows_summary(teredo_flows, &sum);
    return sum;
}

static void test_belief(void)
{
    begin(0);
    ok(!look_at(a, b, FORM, 1), "what only has the form is not Teredo in an unknown flow");
    ok(!look_at(a, b, "01020304", 2), "nor is anything else");
    ok(look_at(a, b, BUBBLE_AB, 3) && seen.certain, "a bubble is");
    ok(look_at(a, b, FORM, 4) && !seen.certain && seen.problem_count == 0,
       "then what has the form is believed");
    ok(look_at(b, a, FORM, 5), "in the other direction as well");
    ok(look_at(a, b, "01020304", 6) && captured_packet_kind(&seen) == NULL &&
           seen.problem_count == 1 && seen.problems[0].reason == WIRE_UNKNOWN_ENCAPSULATION,
       "and what has not is shown with what is wrong with it");
    ok(!look_at(a, (struct endpoint){b.address, 1}, FORM, 7), "another port is another flow");
    ok(!look_at((struct endpoint){a.address, b.port}, (struct endpoint){b.address, a.port}, FORM,
                8),
       "and so are the ports exchanged");
    is_int((int64_t)summary().packets, 4, "four were Teredo");
    is_int((int64_t)summary().datagrams, 8, "of eight datagrams");
    is_int((int64_t)summary().flows, 1, "in one flow");
    is_int((int64_t)summary().unknown, 1, "the kind of one is unknown");
    is_int((int64_t)summary().kinds[TEREDO_DATA], 2, "two are data");
    is_int((int64_t)summary().reasons[WIRE_UNKNOWN_ENCAPSULATION], 1, "its reason is counted");
    ok(summary().first == 3 && summary().last == 6, "the times are those of Teredo packets");
}

/* Two servers, or two miredos on port 3544: the ports are the same. */
static void test_same_ports(void)
{
    begin(0);
    look_at(server_a, server_b, BUBBLE_AB, 1);
    look_at(server_b, server_a, BUBBLE_BA, 2);
    is_int((int64_t)summary().flows, 1, "a flow is the same in both directions");
    look_at(a, (struct endpoint){a.address, 1}, BUBBLE_AB, 3);
    look_at((struct endpoint){a.address, 1}, a, BUBBLE_BA, 4);
    is_int((int64_t)summary().flows, 2, "between two ports of one address, too");
}

static void test_bounds(void)
{
    begin(4);
    for (uint16_t port = 1; port <= 5; port++)
        look_at(a, (struct endpoint){b.address, port}, BUBBLE_AB, port);
    is_int((int64_t)summary().flows, 5, "five flows were seen");
    is_int((int64_t)summary().forgotten, 1, "one had to make way");
    ok(!look_at(a, (struct endpoint){b.address, 1}, FORM, 6),
       "the oldest is not believed any more");
    ok(look_at(a, (struct endpoint){b.address, 2}, FORM, 7), "the next still is");
    ok(look_at(a, (struct endpoint){b.address, 1}, BUBBLE_AB, 8),
       "a certain packet is Teredo all the same");
}

static void test_hole_punches(void)
{
    begin(0);
    look_at(a, b, BUBBLE_AB, 1);
    look_at(a, server_b, BUBBLE_AB, 2);
    look_at(server_b, b, ORIGIN_A BUBBLE_AB, 3);
    look_at(server_b, b, BUBBLE_AB, 4);
    ok(summary().punches == 0 && summary().unanswered == 1,
       "a direct bubble is one way; those by way of the server do not count");
    look_at(a, b, BUBBLE_AB, 5);
    ok(summary().punches == 0 && summary().unanswered == 1, "nor does another one");
    look_at(b, a, BUBBLE_BA, 6);
    ok(summary().punches == 1 && summary().unanswered == 0, "the answer makes it a hole punch");
    is_int((int64_t)summary().answered_by_data, 0, "without any data");
    look_at(b, a, BUBBLE_BA, 7);
    look_at(a, b, BUBBLE_AB, 8);
    ok(summary().punches == 1 && summary().unanswered == 0, "of which there is one");
    look_at(b, (struct endpoint){a.address, 7}, "6000000000003b00" TEREDO_B LINK_LOCAL, 9);
    ok(summary().unanswered == 1, "a bubble to a link-local address is direct");
    look_at(b, (struct endpoint){0xe00000fd, 3544},
            "6000000000003b00" TEREDO_B "ff020000000000000000000000000001", 10);
    ok(summary().unanswered == 1, "one to all nodes is not");

    begin(0);
    look_at(a, b, BUBBLE_AB, 1);
    look_at(a, b, "6000000000041140" TEREDO_A TEREDO_B "00000000", 2);
    ok(summary().unanswered == 1 && summary().answered_by_data == 0,
       "data one way answers nothing");
    look_at(b, a, "6000000000041140" TEREDO_B TEREDO_A "00000000", 3);
    ok(summary().punches == 1 && summary().answered_by_data == 1,
       "data both ways answers a bubble");
    look_at(b, a, BUBBLE_BA, 4);
    ok(summary().punches == 1 && summary().answered_by_data == 0,
       "and not data alone, once there is a bubble back");
}

static void test_clients_and_servers(void)
{
    begin(0);
    look_at(a, b, BUBBLE_AB, 1);
    look_at(b, a, BUBBLE_BA, 2);
    ok(summary().clients == 2 && summary().servers == 2,
       "two addresses are two clients and two servers");
    look_at(a, server_a, SAMPLE_RS, 3);
    is_int((int64_t)summary().servers, 2, "a server that is solicited was known");
    look_at(a, (struct endpoint){server_a.address + 1, 3544}, SAMPLE_RS, 4);
    is_int((int64_t)summary().servers, 3, "its secondary address was not");
    look_at((struct endpoint){server_a.address + 2, 3544}, a, SAMPLE_RA, 5);
    is_int((int64_t)summary().servers, 4, "who advertises is a server");
    is_int((int64_t)summary().clients, 2, "and no client");
}

/* Looks at a datagram of which the frame has MISSING bytes more. */
static bool look_at_cut(struct endpoint from, struct endpoint to, const char *hex, size_t missing)
{
    static const struct wire_fault fine;
    static uint8_t data[512];
    bool found;

    seen.udp = (struct udp_datagram){.from = from, .to = to, .payload = data, .truncated = true};
    seen.udp.payload_size = hex_read(hex, data);
    seen.udp.length = (uint16_t)(UDP_HEADER_SIZE + seen.udp.payload_size + missing);
    seen.missing = missing;
    seen.captured = 42 + seen.udp.payload_size;
    seen.too_short = false;
    found = teredo_flows_look(teredo_flows, copies, &seen, &fine);
    seen.missing = 0;
    return found;
}

static void test_cut(void)
{
    begin(0);
    ok(!look_at_cut(a, b, "6000000000003b0020010000c0000201", 24) && summary().remarks.cut == 1,
       "a frame that ends in the IPv6 header is cut too short to tell");
    ok(!look_at_cut(a, b, "000063bf34ff", 50) && !look_at_cut(a, b, "00", 50) &&
           !look_at_cut(a, b, "", 50) && summary().remarks.cut == 4,
       "and one that ends before it, or before anything");
    ok(!look_at_cut(a, server_a, "600000000008 3aff" LINK_LOCAL "ff020000000000000000000000000002",
                    8) &&
           summary().remarks.cut == 5,
       "and one that may be a solicitation");
    ok(!look_at_cut(a, b, "6000000001003a40" GLOBAL GLOBAL, 256) &&
           !look_at_cut(a, b, "48656c6c6f", 50) && summary().remarks.cut == 5,
       "one that shows other addresses, or begins as nothing of Teredo's, is not");
    ok(summary().remarks.cut_least == 42 && summary().remarks.cut_most == 82,
       "the shortest and the longest are told");
    ok(look_at_cut(a, b, "6000000001003a40" TEREDO_A TEREDO_B, 256) && summary().remarks.cut == 5,
       "one that shows a Teredo address is Teredo");
}

static void test_without_address(void)
{
    begin(0);
    look_at(a, server_a, FORM, 1);
    look_at(server_a, a, FORM, 2);
    is_int((int64_t)summary().remarks.without_address, 2,
           "IPv6 in port 3544 without a Teredo address is counted");
    look_at(a, b, FORM, 3);
    look_at(a, server_a, "68656c6c6f", 4);
    is_int((int64_t)summary().remarks.without_address, 2,
           "on other ports, and other things, are not");
    look_at(a, server_a, SAMPLE_RS, 5);
    look_at(a, server_a, FORM, 6);
    ok(summary().remarks.without_address == 2 && summary().packets == 2,
       "in a flow of Teredo it is believed");
}

static void test_copies(void)
{
    begin(0);
    copies = packet_copies_new(7);
    seen.steady = 0;
    ok(look_at(a, b, BUBBLE_AB, 1) && !seen.copy && look_at(a, b, BUBBLE_AB, 1) && seen.copy,
       "a packet that is there twice is shown twice, the second time as a copy");
    ok(look_at(b, a, BUBBLE_BA, 2) && !seen.copy && look_at(b, a, BUBBLE_BA, 2) && seen.copy &&
           look_at(b, a, BUBBLE_BA, 2) && seen.copy,
       "or three times");
    ok(summary().packets == 2 && summary().kinds[TEREDO_BUBBLE] == 2 &&
           summary().remarks.copies == 3 && summary().punches == 1,
       "and counted once");
    ok(look_at(a, b, BUBBLE_AB "01", 3) && look_at(a, b, BUBBLE_AB "01", 3) &&
           summary().reasons[WIRE_TRAILER_LENGTH] == 1,
       "so is what is wrong with it");
    packet_copies_free(copies);
    copies = NULL;
}

static void test_remarks(void)
{
    static const char *const names[] = {"A", "B", "A", "C", "D", "E", "A", "F"};
    struct capture_remarks remarks;

    begin(0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        teredo_flows_count_unread(teredo_flows, names[i]);
    remarks = summary().remarks;
    ok(remarks.unread_count == CAPTURE_REMARKS_LINKS && remarks.unread[0].frames == 3 &&
           strcmp(remarks.unread[0].name, "A") == 0 && remarks.unread[3].frames == 3 &&
           strcmp(remarks.unread[3].name, "others") == 0,
       "frames of link types are counted by name, those of many together");
    teredo_flows_note_step(teredo_flows, &(struct clock_step){.file = "x", .frame = 3, .by = 5});
    teredo_flows_note_step(teredo_flows, &(struct clock_step){.file = NULL, .frame = 4, .by = 6});
    teredo_flows_note_step(teredo_flows, &(struct clock_step){.file = "x", .frame = 5, .by = 7});
    remarks = summary().remarks;
    ok(remarks.step_count == 2 && strcmp(remarks.steps[0].file, "x") == 0 &&
           remarks.steps[0].frame == 3 && remarks.steps[0].by == 5 && remarks.steps[0].count == 2 &&
           remarks.steps[1].file == NULL && remarks.steps[1].count == 1,
       "the first step of a clock is kept, and the others are counted");
    teredo_flows_count_fragments(teredo_flows, 3, false);
    teredo_flows_count_fragments(teredo_flows, 2, true);
    ok(summary().reasons[WIRE_IP4_FRAGMENT] == 3 &&
           summary().reasons[WIRE_IP4_FRAGMENT_OVERLAP] == 2,
       "fragments that are lost or refused are counted");
    teredo_flows_restart(teredo_flows);
    ok(summary().remarks.step_count == 0 && summary().remarks.unread_count == 0,
       "a second reading counts anew");
}

static void test_outer_faults(void)
{
    static const struct wire_fault outer = {WIRE_UDP_CHECKSUM, 26};
    static uint8_t data[256];

    begin(0);
    seen.udp = (struct udp_datagram){.from = a, .to = b, .payload = data};
    seen.udp.payload_size = hex_read(BUBBLE_AB "01", data);
    seen.udp.length = (uint16_t)(UDP_HEADER_SIZE + seen.udp.payload_size);
    ok(teredo_flows_look(teredo_flows, copies, &seen, &outer) && seen.problem_count == 2 &&
           seen.problems[0].reason == WIRE_UDP_CHECKSUM && seen.problems[0].offset == 26 &&
           seen.problems[1].reason == WIRE_TRAILER_LENGTH && seen.problems[1].offset == 40,
       "what is wrong outside of the payload and in it is told in this order");
    teredo_flows_count_fault(teredo_flows, WIRE_IP4_FRAGMENT);
    teredo_flows_count_frame(teredo_flows);
    ok(summary().reasons[WIRE_IP4_FRAGMENT] == 1 && summary().frames == 1,
       "frames and faults that the caller counts are counted");
}

static void test_payload(void)
{
    uint8_t data[256];
    struct captured_packet s;

    ok(teredo_flows_decode_payload(data, hex_read(SAMPLE_RS, data), &s) && s.frame == 0 &&
           s.packet.kind == TEREDO_RS && s.problem_count == 0 && s.size == 61,
       "a payload alone is Teredo by its own word");
    ok(!teredo_flows_decode_payload(data, hex_read("0002", data), &s) && s.problem_count == 1,
       "or is told what is wrong with it");
    ok(teredo_flows_decode_payload(data, hex_read(SAMPLE_BUBBLE "01", data), &s) &&
           s.problem_count == 1,
       "junk behind a packet is a problem, and yet it is Teredo");
}

static void test_datagram(void)
{
    static const struct udp_options wrong = {.ttl = 7, .checksum = UDP_CHECKSUM_WRONG};
    uint8_t payload[256], ip4[512];
    size_t size = hex_read(SAMPLE_BUBBLE "01", payload);
    struct captured_packet s;

    size = udp4_encode(ip4, sizeof ip4, &(struct udp_message){a, b, payload, size}, &wrong);
    ok(teredo_flows_decode_datagram(ip4, size, &s) && s.outside == CAPTURED_PACKET_CAPTURED &&
           s.frame == 0 && s.udp.ip.ttl == 7 && endpoint_equal(s.udp.to, b) &&
           s.packet.kind == TEREDO_BUBBLE && s.size == 41,
       "an IPv4 packet is taken apart with its headers");
    ok(s.problem_count == 2 && s.problems[0].reason == WIRE_UDP_CHECKSUM &&
           s.problems[1].reason == WIRE_TRAILER_LENGTH && captured_packet_tail(&s).size == 1 &&
           *captured_packet_tail(&s).data == 1,
       "what is wrong outside of the payload and in it is told in this order");
    size = udp4_encode(ip4, sizeof ip4, &(struct udp_message){a, b, "no", 2}, NULL);
    ok(teredo_flows_decode_datagram(ip4, size, &s) && s.extent == TEREDO_NOTHING &&
           captured_packet_payload(&s).data == NULL && captured_packet_tail(&s).data == NULL,
       "also where there is no Teredo in it");
    ok(!teredo_flows_decode_datagram(ip4, 27, &s), "but not without a UDP header");
}

static void test_lying_length(void)
{
    uint8_t data[256];
    struct captured_packet s;

    hex_read(SAMPLE_BUBBLE "cafe", data);
    data[5] = 3;
    ok(!teredo_flows_decode_payload(data, 42, &s) && s.extent == TEREDO_HEADER &&
           captured_packet_payload(&s).size == 2 && *captured_packet_payload(&s).data == 0xca,
       "of a payload whose length is a lie, there is what is left");
}

static void test_no_summary(void)
{
    struct teredo_flows_config config = {.flows = 8};

    teredo_flows_free(teredo_flows);
    teredo_flows = teredo_flows_new(&config);
    look_at(a, b, BUBBLE_AB, 1);
    ok(summary().packets == 1 && summary().clients == 0 && summary().servers == 0,
       "clients and servers are counted for a summary alone");
    teredo_flows_free(teredo_flows);
    teredo_flows_free(NULL);
}

int main(void)
{
    test_belief();
    test_same_ports();
    test_bounds();
    test_hole_punches();
    test_clients_and_servers();
    test_cut();
    test_without_address();
    test_copies();
    test_remarks();
    test_outer_faults();
    test_payload();
    test_datagram();
    test_lying_length();
    test_no_summary();
    return done_testing();
}
