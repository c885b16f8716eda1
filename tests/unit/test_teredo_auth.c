#include "hex.h"
#include "samples.h"
#include "tap.h"
#include "teredo.h"

static bool decode(const char *hex, uint8_t *data, struct teredo_packet *p)
{
    struct wire_fault fault;

    return teredo_decode(data, hex_read(hex, data), p, &fault);
}

/* Values computed with Python's hmac module and with openssl. */
static void test_vectors(void)
{
    struct teredo_packet p;
    uint8_t data[256], key[80], value[TEREDO_HMAC_SIZE], want[TEREDO_HMAC_SIZE];

    ok(decode(SAMPLE_RS, data, &p), "a solicitation without origin is read");
    teredo_auth_value("secret", 6, &p, value);
    hex_read("ccaeb133fca073a17af57ea3f3f48d6b26c99cbc", want);
    is_mem(value, want, sizeof want,
           "the clear text is nonce, confirmation byte and IPv6 packet, without padding");

    ok(decode("00010000 0102030405060708 01" SAMPLE_RA_ORIGIN SAMPLE_RA_IP6, data, &p),
       "an advertisement with origin is read");
    memset(key, 0xaa, sizeof key);
    teredo_auth_value(key, sizeof key, &p, value);
    hex_read("9403190e1464b52c800cc12a6cc625fb7116ae53", want);
    is_mem(value, want, sizeof want,
           "the clear text includes the origin indication if it is present");
}

#define SIGNED_RS(value) "00010314 626f62" value "0102030405060708 00" SAMPLE_RS_IP6
#define RIGHT_VALUE "ccaeb133fca073a17af57ea3f3f48d6b26c99cbc"

static void test_verify(void)
{
    struct teredo_packet p, changed;
    uint8_t data[256];
    struct wire_fault fault;
    unsigned missed = 0;
    size_t size = hex_read(SIGNED_RS(RIGHT_VALUE), data);

    ok(teredo_decode(data, size, &p, &fault) && teredo_auth_verify("secret", 6, &p),
       "the receiver deems the authentication successful if the two values match");
    ok(!teredo_auth_verify("Secret", 6, &p), "another secret gives another value");
    /* Everything behind the value counts, save the fields that the decoder refuses. */
    for (size_t at = 7; at < size; at++) {
        data[at] ^= 1;
        if (teredo_decode(data, size, &changed, &fault))
            missed += teredo_auth_verify("secret", 6, &changed);
        data[at] ^= 1;
    }
    is_int(missed, 0, "a changed byte in value, nonce, confirmation or packet is seen");
    changed = p;
    changed.has_origin = true;
    ok(!teredo_auth_verify("secret", 6, &changed), "so is an origin indication put in");
    changed = p;
    changed.ip6.hop_limit--;
    ok(!teredo_auth_verify("secret", 6, &changed), "and a changed hop limit");
}

static void test_missing(void)
{
    struct teredo_packet p;
    uint8_t data[256];

    ok(decode(SAMPLE_RS_IP6, data, &p) && !teredo_auth_verify("secret", 6, &p),
       "a packet without authentication is never authentic");
    ok(decode(SAMPLE_RS, data, &p) && !teredo_auth_verify("secret", 6, &p),
       "nor is one with an empty value");
    ok(decode("00010013 ccaeb133fca073a17af57ea3f3f48d6b26c99c 0102030405060708 00" SAMPLE_RS_IP6,
              data, &p) &&
           !teredo_auth_verify("secret", 6, &p),
       "nor one with a value of 19 bytes");
}

int main(void)
{
    test_vectors();
    test_verify();
    test_missing();
    return done_testing();
}
