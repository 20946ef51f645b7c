/* A test in C that finds its port in its environment: `portpool exec -- c_test`. */

#include <stdio.h>
#include <stdlib.h>

#include "talk.h"

int main(void) {
  const char* port = getenv("PORT");
  if (port == NULL) {
    fputs("run it by: portpool exec -- c_test\n", stderr);
    return 1;
  }
  return talkToItself(atoi(port));
}
