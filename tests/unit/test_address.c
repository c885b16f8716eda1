#include <jansson.h>
#include <stdlib.h>

#include "prng.h"
#include "report.h"
#include "tap.h"

/* Prints one address; the text is the caller's to free. */
static char *printed(const char *text, enum report_format format, bool many, unsigned long line)
{
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&result, &size);
    struct report_config config = {.format = format,
                                   .command = "addr",
                                   .verdict = EVENT_ADDRESS,
                                   .columns = TSV_ADDR,
                                   .out = out,
                                   .err = stderr,
                                   .quiet = true,
                                   .many = many,
                                   .buffered = true};
    struct reporter *r = reporter_new(&config);
    struct event_sink sink = reporter_sink(r);
    struct address a;
    struct event e = {.kind = EVENT_ADDRESS, .address = &a};
    struct error error;

    address_examine(text, strlen(text), line, &a);
    sink.emit(sink.context, &e);
    if (reporter_close(r, &error) != 0)
        ok(false, "memory takes what is printed");
    fclose(out);
    return result;
}

/* One object of `jsonl`. */
static json_t *object_of(const char *text)
{
    char *line = printed(text, REPORT_JSONL, true, 7);
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

    free(line);
    return object;
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value == NULL ? "(none)" : value;
}

/* The codes of all notes, each followed by a blank. */
static void note_codes(const json_t *object, char *out)
{
    const json_t *notes = json_object_get(object, "notes");

    *out = '\0';
    for (size_t i = 0; i < json_array_size(notes); i++) {
        strcat(out, string_at(json_array_get(notes, i), "code"));
        strcat(out, " ");
    }
}

static void test_notes(void)
{
    static const struct {
        const char *address, *codes, *why;
    } rows[] = {
        {"2001:0:4136:e378:2c5a:63bf:b7fe:fefd", "", "an ordinary address with random flags"},
        {"2001:0:4136:e378:0:63bf:b7fe:fefd", "no_random_flags ", "flags of 0"},
        {"2001:0:4136:e378:8000:63bf:b7fe:fefd", "no_random_flags cone_bit ", "a cone bit"},
        {"2001:0:4136:e378:4001:63bf:b7fe:fefd", "reserved_bit ", "a reserved bit"},
        {"2001:0:4136:e378:0201:63bf:b7fe:fefd", "universal_bit ", "a universal bit"},
        {"2001:0:4136:e378:0101:63bf:b7fe:fefd", "group_bit ", "a group bit"},
        {"2001:0:4136:e378:1:ffff:b7fe:fefd", "mapped_port_zero ", "port 0"},
        {"2001:0:a00:1:1:63bf:b7fe:fefd", "server_not_global ", "a private server"},
        {"2001:0:c000:201:1:63bf:b7fe:fefd", "server_special ", "a documentation server"},
        {"2001:0:4136:e378:1:63bf:3f57:fefd", "client_not_global ", "a private client"},
        {"2001:0:4136:e378:1:63bf:9bbf:fffe", "client_special ", "a client in shared space"},
        {"3ffe:831f:4136:e378:1:63bf:b7fe:fefd", "old_prefix ", "the old prefix"},
        {"3ffe:831f:a00:1:c300:ffff:3f57:fefd",
         "old_prefix server_not_global client_not_global mapped_port_zero no_random_flags "
         "cone_bit reserved_bit universal_bit group_bit ",
         "all at once"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *object = object_of(rows[i].address);
        char codes[512];

        note_codes(object, codes);
        is_str(string_at(object, "verdict"), "teredo", "%s is a Teredo address", rows[i].address);
        is_str(codes, rows[i].codes, "%s has its notes", rows[i].why);
        json_decref(object);
    }
}

static void test_json_keys(void)
{
    static const char *const texts[] = {
        "2001:0:4136:e378:2c5a:63bf:b7fe:fefd",
        "fe80::8000:f227:3fff:fdfe%eth0",
        "fe80::ffff:ffff:ffff",
        "2002:c000:201::1",
        "no\"address\\ \t\x01\xff",
        "",
    };
    static const char *const keys[] = {
        "schema", "command", "event",  "verdict", "address", "line", "kind",
        "prefix", "zone",    "server", "flags",   "mapped",  "ip4",  "notes",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *object = object_of(texts[i]);
        unsigned missing = 0;

        ok(object != NULL, "text %zu gives valid JSON", i);
        for (size_t j = 0; j < sizeof keys / sizeof *keys; j++)
            missing += json_object_get(object, keys[j]) == NULL;
        ok(missing == 0 && json_object_size(object) == sizeof keys / sizeof *keys,
           "text %zu has every key, and no other", i);
        is_int(json_integer_value(json_object_get(object, "line")), 7, "text %zu has its line", i);
        json_decref(object);
    }
}

static void test_json_values(void)
{
    json_t *o = object_of("2001:0:4136:e378:8c00:63bf:3fff:fdd2");
    json_t *flags = json_object_get(o, "flags");
    json_t *mapped = json_object_get(o, "mapped");

    is_str(string_at(o, "prefix"), "2001::/32", "the prefix");
    is_str(string_at(o, "server"), "65.54.227.120", "the server");
    is_str(string_at(flags, "value"), "0x8c00", "the flags");
    is_str(string_at(flags, "random"), "0x0c00", "their random bits");
    ok(json_is_true(json_object_get(flags, "cone")) &&
           json_is_false(json_object_get(flags, "reserved")) &&
           json_is_false(json_object_get(flags, "universal")) &&
           json_is_false(json_object_get(flags, "group")),
       "their other bits");
    is_str(string_at(mapped, "address"), "192.0.2.45", "the mapped address");
    is_int(json_integer_value(json_object_get(mapped, "port")), 40000, "the mapped port");
    json_decref(o);

    o = object_of("2002:c000:204::1");
    is_str(string_at(o, "kind"), "6to4", "6to4 is told as what it is");
    is_str(string_at(o, "ip4"), "192.0.2.4", "with its IPv4 address");
    ok(json_is_null(json_object_get(o, "server")) && json_is_null(json_object_get(o, "mapped")),
       "and without a server or a mapped address");
    json_decref(o);

    o = object_of("FE80::8000:F227:3FFF:FDFE%eth0");
    is_str(string_at(o, "address"), "fe80::8000:f227:3fff:fdfe", "an address is in lower case");
    is_str(string_at(o, "zone"), "eth0", "its zone stands apart");
    is_int(json_integer_value(json_object_get(json_object_get(o, "mapped"), "port")), 3544,
           "a Teredo identifier is taken apart too");
    json_decref(o);

    o = object_of("no\"address\\");
    is_str(string_at(o, "verdict"), "invalid", "what is no address is invalid");
    is_str(string_at(o, "address"), "no\"address\\", "and given back as it came");
    json_decref(o);
}

static void test_single_json(void)
{
    char *text = printed("2001:0:4136:e378:8000:63bf:3fff:fdd2", REPORT_JSON, false, 0);
    json_t *single = json_loads(text, 0, NULL);
    json_t *line = object_of("2001:0:4136:e378:8000:63bf:3fff:fdd2");

    ok(json_is_null(json_object_get(single, "line")), "an argument has no line");
    ok(json_object_get(single, "event") == NULL, "json has no event");
    json_object_del(line, "event");
    json_object_set_new(line, "line", json_null());
    ok(json_equal(single, line), "all else of json is that of jsonl");
    ok(strstr(text, "\n  \"schema\": 1,\n") != NULL, "laid out for people");
    json_decref(single);
    json_decref(line);
    free(text);
}

/* Whatever the input is, the object shows a bounded part of it. */
static void test_hostile_text(void)
{
    struct prng p = {.state = 15};
    char text[3000];
    unsigned bad = 0;

    for (unsigned i = 0; i < 2000; i++) {
        size_t size = 1 + prng_below(&p, sizeof text - 1);
        enum report_format format = (enum report_format)(i % 3);
        char *result;

        for (size_t j = 0; j < size; j++)
            text[j] = (char)(1 + prng_below(&p, 255));
        text[size - 1] = '\0';
        result = printed(text, format, i % 2, i);
        if (format != REPORT_TEXT) {
            json_t *object = json_loads(result, 0, NULL);

            bad += object == NULL || strlen(result) > 4000;
            json_decref(object);
        }
        free(result);
    }
    is_int(bad, 0, "2,000 random texts give valid JSON of bounded size");
}

int main(void)
{
    test_notes();
    test_json_keys();
    test_json_values();
    test_single_json();
    test_hostile_text();
    return done_testing();
}
