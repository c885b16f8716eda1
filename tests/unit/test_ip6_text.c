#include <arpa/inet.h>

#include "hex.h"
#include "ip6_text.h"
#include "prng.h"
#include "tap.h"

static bool parse(const char *text, size_t size, struct ip6_text *out)
{
    static char *copy;

    free(copy);
    copy = (char *)exact_copy(text, size);
    return ip6_parse(copy, size, out);
}

static void test_good(void)
{
    static const struct {
        const char *text, *address, *zone;
    } rows[] = {
        {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:4136:e378:8000:63bf:3fff:fdd2", NULL},
        {"2001:0000:4136:E378:8000:63BF:3FFF:FDD2", "2001:0:4136:e378:8000:63bf:3fff:fdd2", NULL},
        {"::", "::", NULL},
        {"::1", "::1", NULL},
        {"1::", "1::", NULL},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", NULL},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", NULL},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1", NULL},
        {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201", NULL},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201", NULL},
        {"fe80::1%eth0", "fe80::1", "eth0"},
        {"fe80::1%1", "fe80::1", "1"},
        {"fe80::1%eth0.5@if7", "fe80::1", "eth0.5@if7"},
        {"[2001:db8::1]", "2001:db8::1", NULL},
        {"[2001:db8::1]:0", "2001:db8::1", NULL},
        {"[2001:db8::1]:65535", "2001:db8::1", NULL},
        {"[fe80::1%eth0]:80", "fe80::1", "eth0"},
        {"2001:db8::1/64", "2001:db8::1", NULL},
        {"2001:db8::/0", "2001:db8::", NULL},
        {"2001:db8::/128", "2001:db8::", NULL},
        {"fe80::1%eth0/64", "fe80::1", "eth0"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ip6_text got;
        char text[IP6_STRLEN] = "";
        bool good = parse(rows[i].text, strlen(rows[i].text), &got);

        if (good)
            ip6_format(&got.address, text);
        is_str(text, rows[i].address, "%s is an address", rows[i].text);
        if (rows[i].zone == NULL)
            ok(good && got.zone == NULL && got.zone_size == 0, "%s has no zone", rows[i].text);
        else
            ok(good && got.zone_size == strlen(rows[i].zone) &&
                   memcmp(got.zone, rows[i].zone, got.zone_size) == 0,
               "%s has a zone", rows[i].text);
    }
}

static void test_bad(void)
{
    static const char *const rows[] = {
        "",
        ":",
        ":::",
        "1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1::2::3",
        "1:::2",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "12345::",
        "g::",
        "::1.2.3",
        "::1.2.3.4.5",
        "::1.2.3.256",
        "::01.2.3.4",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:5",
        "1.2.3.4",
        "localhost",
        " ::1",
        "::1 ",
        "[::1",
        "::1]",
        "[]",
        "[",
        "]",
        "[::1]x",
        "[::1]:",
        "[::1]:65536",
        "[::1]:1x",
        "[::1]:99999999999",
        "[::1]/64",
        "::1/",
        "::1/129",
        "::1/-1",
        "::1/64/64",
        "::1:80:",
        "fe80::1%",
        "fe80::1%/64",
        "fe80::1%a%b",
        "fe80::1%a b",
        "fe80::1%[a]",
        "%eth0",
        "[fe80::1]%eth0",
        "fe80::1%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "\xff::1",
    };
    struct ip6_text got, untouched;

    memset(&untouched, 0x5a, sizeof untouched);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        got = untouched;
        ok(!parse(rows[i], strlen(rows[i]), &got), "\"%s\" is no address", rows[i]);
        if (memcmp(&got, &untouched, sizeof got) != 0)
            ok(false, "and leaves the result alone");
    }
    ok(!parse("::1\0", 4, &got), "a NUL is no part of an address");
    ok(!parse("::\0001", 4, &got), "nor does it end one");
}

/* A text near an address: made of what addresses are made of. */
static size_t scribble(struct prng *p, char *text)
{
    static const char letters[] = "0123456789abcdefABCDEF::::..g";
    struct in6_addr address;
    size_t size;

    for (unsigned i = 0; i < 16; i++)
        address.s6_addr[i] = prng_below(p, 3) == 0 ? 0 : (uint8_t)prng_next(p);
    if (prng_below(p, 4) == 0)
        memcpy(address.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
    inet_ntop(AF_INET6, &address, text, INET6_ADDRSTRLEN);
    size = strlen(text);
    for (unsigned n = prng_below(p, 4); n > 0; n--) {
        size_t at = prng_below(p, (uint32_t)size);

        switch (prng_below(p, 3)) {
        case 0:
            text[at] = letters[prng_below(p, sizeof letters - 1)];
            break;
        case 1:
            memmove(text + at, text + at + 1, size - at);
            size -= size > 1;
            break;
        default:
            memmove(text + at + 1, text + at, size - at);
            text[at] = letters[prng_below(p, sizeof letters - 1)];
            size++;
        }
        text[size] = '\0';
    }
    return size;
}

static void test_against_the_c_library(void)
{
    struct prng p = {.state = 12};
    unsigned differences = 0, good = 0;

    for (unsigned i = 0; i < 300000; i++) {
        char text[INET6_ADDRSTRLEN + 8];
        size_t size = scribble(&p, text);
        struct in6_addr want;
        struct ip6_text got;
        bool want_good = inet_pton(AF_INET6, text, &want) == 1;

        good += want_good;
        if (parse(text, size, &got) != want_good ||
            (want_good && memcmp(&want, &got.address, 16) != 0)) {
            differences++;
            printf("# \"%s\": inet_pton says %s\n", text, want_good ? "yes" : "no");
        }
    }
    is_int(differences, 0, "300,000 texts, %u of them addresses, are read as inet_pton does", good);
    ok(good > 50000 && good < 250000, "some of which are addresses, and some not");
}

static void test_format(void)
{
    struct prng p = {.state = 13};
    unsigned differences = 0;
    char got[IP6_STRLEN], want[IP6_STRLEN];

    for (unsigned i = 0; i < 300000; i++) {
        struct in6_addr address;
        uint32_t zeros = (uint32_t)prng_next(&p);

        for (unsigned j = 0; j < 16; j++)
            address.s6_addr[j] =
                zeros >> j / 2 & 1 || zeros >> (8 + j) & 1 ? 0 : (uint8_t)prng_next(&p);
        if (i % 8 == 0)
            memcpy(address.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
        if (i % 8 == 1)
            memset(address.s6_addr, 0, 8 + prng_below(&p, 9));
        inet_ntop(AF_INET6, &address, want, sizeof want);
        differences += ip6_format(&address, got) != strlen(want) || strcmp(got, want) != 0;
    }
    is_int(differences, 0, "300,000 addresses are written as inet_ntop does");
}

int main(void)
{
    test_good();
    test_bad();
    test_against_the_c_library();
    test_format();
    return done_testing();
}
