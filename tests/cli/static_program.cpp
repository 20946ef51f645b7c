// A program into which nothing is preloaded.
int main() {}
