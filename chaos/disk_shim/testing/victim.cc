// A program to be spoilt: does to the files of a folder what its arguments say, and is killed.
//   victim FOLDER append=FILE:TEXT sync=FILE sync_folder rename=FROM:TO remove=FILE
//                 overwrite=FILE:TEXT (from its beginning) truncate=FILE:LENGTH make_folder=NAME
// Prints a line for each that fails: its argument and the errno. "exit" ends it in good order.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  std::map<std::string, int> files;
  const auto open = [&](const std::string& name) {
    const auto [at, is_new] = files.emplace(name, -1);
    if (is_new) at->second = ::open((folder + "/" + name).c_str(), O_RDWR | O_CREAT, 0600);
    return at->second;
  };
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const size_t colon = argument.find(':');
    const std::string act = argument.substr(0, equals);
    const std::string name =
        equals == std::string::npos ? "" : argument.substr(equals + 1, colon - equals - 1);
    const std::string rest = colon == std::string::npos ? "" : argument.substr(colon + 1);
    long result = 0;
    errno = 0;
    if (act == "append") {
      const int fd = open(name);
      if (fd >= 0) ::lseek(fd, 0, SEEK_END);
      result = ::write(fd, rest.data(), rest.size());
    } else if (act == "overwrite") {
      result = ::pwrite(open(name), rest.data(), rest.size(), 0);
    } else if (act == "truncate") {
      result = ::ftruncate(open(name), std::atoll(rest.c_str()));
    } else if (act == "sync") {
      result = ::fdatasync(open(name));
    } else if (act == "sync_folder") {
      const int fd = ::open(folder.c_str(), O_RDONLY);
      result = ::fsync(fd);
      ::close(fd);
    } else if (act == "rename") {
      result = ::rename((folder + "/" + name).c_str(), (folder + "/" + rest).c_str());
    } else if (act == "remove") {
      result = ::unlink((folder + "/" + name).c_str());
    } else if (act == "make_folder") {
      result = ::mkdir((folder + "/" + name).c_str(), 0700);
    } else if (act == "exit") {
      return 0;
    }
    if (result < 0) {
      std::printf("%s %d\n", act.c_str(), errno);
      std::fflush(stdout);
    }
  }
  ::raise(SIGKILL);
}
