#include "trust/list/tlist_xml.h"

#include <libxml/parser.h>
#include <libxml/xmlIO.h>
#include <pthread.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmlsec.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;

/* No document may make us open a file or a connection (TL-202). */
static xmlParserInputPtr refuse_entity(const char *url, const char *id, xmlParserCtxtPtr context)
{
    (void)url, (void)id, (void)context;
    return NULL;
}

static void quiet(const char *file, int line, const char *func, const char *object, const char *subject,
                  int reason, const char *message)
{
    (void)file, (void)line, (void)func, (void)object, (void)subject, (void)reason, (void)message;
}

static void start(void)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_entity);
    started = xmlSecInit() >= 0 && xmlSecCryptoAppInit(NULL) >= 0 && xmlSecCryptoInit() >= 0;
    xmlSecErrorsSetCallback(quiet);
}

DX_RC tlist_init(dx_why *why)
{
    pthread_once(&once, start);
    if (!started)
        return DX_FAIL(why, INTERNAL, "", "xmlsec could not be initialised");
    return DX_OKAY;
}
