/* A test with a port of its own written into it. */

#include "talk.h"

#define PORT 8080

int main(void) { return talkToItself(PORT); }
