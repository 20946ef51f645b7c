/* For shell scripts: `talk serve PORT TOKEN` prints "ready" when it listens, and `talk expect PORT
 * TOKEN` succeeds if that server answers. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "serve") == 0) {
    const int listener = listenOn(atoi(argv[2]));
    puts("ready");
    fclose(stdout);
    serve(listener, argv[3]);
  }
  if (argc == 4 && strcmp(argv[1], "expect") == 0) {
    expectToken(atoi(argv[2]), argv[3]);
    return 0;
  }
  fputs("usage: talk serve|expect PORT TOKEN\n", stderr);
  return 2;
}
