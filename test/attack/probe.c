/*
 * What an attacker in a sandbox tries: one attempt for each call, named by the first argument. Static, so that it needs nothing of the
 * image that it runs in.
 *
 * Exit codes: 0 the attempt came to nothing, 10 it reached what it was after, anything else it could not be made, which is a fault
 * of the test and never a pass. On standard output one line says what happened.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKED = 0, FAULT = 3, REACHED = 10 };

static int say(int verdict, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  fflush(stdout);
  return verdict;
}

/* What a system call came to: any error is a refusal. */
static int outcome(long result, const char *what) {
  if (result < 0) return say(BLOCKED, "%s: %s", what, strerror(errno));
  return say(REACHED, "%s: it succeeded", what);
}

/* open <path> <r|w>: whether a file can be opened so; a write is not made. */
static int try_open(char **argv) {
  int flags = argv[1][0] == 'w' ? O_WRONLY : O_RDONLY;
  int file = open(argv[0], flags | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return say(BLOCKED, "open %s: %s", argv[0], strerror(errno));
  /* What the engine masks is an empty file: only a byte of it is something. */
  if (flags == O_RDONLY) {
    char byte;
    ssize_t got = read(file, &byte, 1);
    if (got <= 0) return say(BLOCKED, "open %s: nothing is in it", argv[0]);
  }
  return say(REACHED, "open %s: it succeeded", argv[0]);
}

/* list <path>: whether a folder holds anything. */
static int try_list(char **argv) {
  DIR *folder = opendir(argv[0]);
  if (folder == NULL) return say(BLOCKED, "list %s: %s", argv[0], strerror(errno));
  struct dirent *entry;
  int count = 0;
  while ((entry = readdir(folder)) != NULL)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) count += 1;
  closedir(folder);
  return count == 0 ? say(BLOCKED, "list %s: nothing is in it", argv[0]) : say(REACHED, "list %s: %d entries", argv[0], count);
}

/* write <path>: whether a file of this name can be made and written; it is removed again. */
static int try_write(char **argv) {
  int file = open(argv[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return say(BLOCKED, "write %s: %s", argv[0], strerror(errno));
  long written = write(file, "x", 1);
  close(file);
  unlink(argv[0]);
  return outcome(written == 1 ? 0 : -1, argv[0]);
}

/* unix <path|@name>: whether something listens on a socket with this name. */
static int try_unix(char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(argv[0]);
  if (length >= sizeof address.sun_path) return say(FAULT, "the name is too long");
  memcpy(address.sun_path, argv[0], length);
  if (argv[0][0] == '@') address.sun_path[0] = '\0';
  int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (end < 0) return say(FAULT, "socket: %s", strerror(errno));
  return outcome(connect(end, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)), argv[0]);
}

static int address_of(const char *host, const char *port, struct sockaddr_storage *address, socklen_t *length) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *four = (struct sockaddr_in *)address;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
  if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)atoi(port));
    *length = sizeof *four;
    return AF_INET;
  }
  if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)atoi(port));
    *length = sizeof *six;
    return AF_INET6;
  }
  return -1;
}

/* tcp <address> <port>: whether something answers there within two seconds. */
static int try_tcp(char **argv) {
  struct sockaddr_storage address;
  socklen_t length;
  int family = address_of(argv[0], argv[1], &address, &length);
  if (family < 0) return say(FAULT, "%s is no address", argv[0]);
  int end = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (end < 0) return say(BLOCKED, "tcp %s %s: no socket: %s", argv[0], argv[1], strerror(errno));
  if (connect(end, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS)
    return say(BLOCKED, "tcp %s %s: %s", argv[0], argv[1], strerror(errno));
  struct pollfd wait = {.fd = end, .events = POLLOUT};
  if (poll(&wait, 1, 2000) <= 0) return say(BLOCKED, "tcp %s %s: no answer", argv[0], argv[1]);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(end, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return say(BLOCKED, "tcp %s %s: %s", argv[0], argv[1], strerror(error));
  if (write(end, "x", 1) != 1) return say(FAULT, "write: %s", strerror(errno));
  return say(REACHED, "tcp %s %s: it answered", argv[0], argv[1]);
}

/* udp <address> <port>: whether a datagram can be sent there; whether it arrived is seen outside. */
static int try_udp(char **argv) {
  struct sockaddr_storage address;
  socklen_t length;
  int family = address_of(argv[0], argv[1], &address, &length);
  if (family < 0) return say(FAULT, "%s is no address", argv[0]);
  int end = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (end < 0) return say(BLOCKED, "udp %s %s: no socket: %s", argv[0], argv[1], strerror(errno));
  return outcome(sendto(end, "x", 1, 0, (struct sockaddr *)&address, length), argv[0]);
}

/* socket <family> <type> <protocol>: whether such a socket can be had, by numbers. */
static int try_socket(char **argv) {
  return outcome(socket(atoi(argv[0]), atoi(argv[1]), atoi(argv[2])), "socket");
}

/* listen <port>: waits for a caller from elsewhere, for two seconds. */
static int try_listen(char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[0]))};
  int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (end < 0 || bind(end, (struct sockaddr *)&address, sizeof address) < 0 || listen(end, 8) < 0)
    return say(FAULT, "listen: %s", strerror(errno));
  say(BLOCKED, "it listens");
  struct pollfd wait = {.fd = end, .events = POLLIN};
  if (poll(&wait, 1, 2000) <= 0) return say(BLOCKED, "nobody came");
  return outcome(accept(end, NULL, NULL), "accept");
}

/* mknod <c|b> <major> <minor>: a device of one's own, and whether it can be opened. */
static int try_mknod(char **argv) {
  mode_t kind = argv[0][0] == 'b' ? S_IFBLK : S_IFCHR;
  const char *path = "/workspace/device";
  return outcome(mknod(path, kind | 0600, makedev((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]))), "mknod");
}

/* mount <type>: a file system of one's own over /workspace. */
static int try_mount(char **argv) {
  return outcome(mount("none", "/workspace", argv[0], 0, NULL), argv[0]);
}

static int try_remount(char **argv) {
  (void)argv;
  return outcome(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), "remount /");
}

static int try_bind(char **argv) {
  return outcome(mount(argv[0], "/workspace", NULL, MS_BIND, NULL), "bind");
}

static int try_fsopen(char **argv) {
  return outcome(syscall(SYS_fsopen, argv[0], 0), "fsopen");
}

static int try_pivot(char **argv) {
  (void)argv;
  return outcome(syscall(SYS_pivot_root, "/workspace", "/workspace"), "pivot_root");
}

/* unshare <user|mount|net|pid|ipc|uts|cgroup> */
static int try_unshare(char **argv) {
  const struct {
    const char *name;
    int flag;
  } kinds[] = {{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"net", CLONE_NEWNET},      {"pid", CLONE_NEWPID},
               {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP}};
  for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index += 1)
    if (strcmp(argv[0], kinds[index].name) == 0) return outcome(unshare(kinds[index].flag), argv[0]);
  return say(FAULT, "there is no such namespace");
}

static int try_setns(char **argv) {
  int file = open(argv[0], O_RDONLY | O_CLOEXEC);
  if (file < 0) return say(BLOCKED, "open %s: %s", argv[0], strerror(errno));
  return outcome(setns(file, 0), argv[0]);
}

/* process <pid>: whether a process that is not the sandbox's can be seen, traced or read. */
static int try_process(char **argv) {
  pid_t pid = atoi(argv[0]);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  char line[256] = "";
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = file < 0 ? -1 : read(file, line, sizeof line - 1);
  if (got > 0 && argv[1] != NULL && memmem(line, (size_t)got, argv[1], strlen(argv[1])) != NULL)
    return say(REACHED, "process %d can be seen", pid);
  if (got > 0 && argv[1] == NULL) return say(REACHED, "process %d can be seen", pid);
  return say(BLOCKED, "process %d: it is not there", pid);
}

static int try_ptrace(char **argv) {
  return outcome(ptrace(PTRACE_SEIZE, atoi(argv[0]), NULL, NULL), "ptrace");
}

/* call <name>: a system call that a sandbox has no use for. */
static int try_call(char **argv) {
  const char *name = argv[0];
  if (strcmp(name, "keyctl") == 0) return outcome(syscall(SYS_keyctl, 0 /* get the id of a ring */, -3, 1), name);
  if (strcmp(name, "add_key") == 0) return outcome(syscall(SYS_add_key, "user", "probe", "x", 1, -3), name);
  if (strcmp(name, "request_key") == 0) return outcome(syscall(SYS_request_key, "user", "probe", NULL, -3), name);
  if (strcmp(name, "bpf") == 0) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = 4;
    attributes.value_size = 4;
    attributes.max_entries = 1;
    return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes), name);
  }
  if (strcmp(name, "perf_event_open") == 0) {
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK};
    return outcome(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0), name);
  }
  if (strcmp(name, "userfaultfd") == 0) return outcome(syscall(SYS_userfaultfd, O_CLOEXEC), name);
  if (strcmp(name, "io_uring_setup") == 0) {
    char parameters[120] = {0};
    return outcome(syscall(SYS_io_uring_setup, 1, parameters), name);
  }
  if (strcmp(name, "kexec_load") == 0) return outcome(syscall(SYS_kexec_load, 0, 0, NULL, 0), name);
  if (strcmp(name, "init_module") == 0) return outcome(syscall(SYS_init_module, "", 0, ""), name);
  if (strcmp(name, "open_by_handle_at") == 0) {
    struct {
      struct file_handle handle;
      unsigned char bytes[MAX_HANDLE_SZ];
    } held;
    held.handle.handle_bytes = MAX_HANDLE_SZ;
    int mount_id;
    if (name_to_handle_at(AT_FDCWD, "/workspace", &held.handle, &mount_id, 0) < 0)
      return say(BLOCKED, "name_to_handle_at: %s", strerror(errno));
    int folder = open("/workspace", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return outcome(open_by_handle_at(folder, &held.handle, O_RDONLY), name);
  }
  if (strcmp(name, "swapon") == 0) return outcome(syscall(SYS_swapon, "/workspace/none", 0), name);
  if (strcmp(name, "settime") == 0) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return outcome(clock_settime(CLOCK_REALTIME, &now), name);
  }
  if (strcmp(name, "sethostname") == 0) return outcome(sethostname("probe", 5), name);
  if (strcmp(name, "chroot") == 0) return outcome(chroot("/workspace"), name);
  if (strcmp(name, "reboot") == 0) return outcome(syscall(SYS_reboot, 0xfee1dead, 672274793, 0 /* CAD off */, NULL), name);
  return say(FAULT, "there is no such call");
}

/* identity: whether this process has, or can get, what a user without rights has not. */
static int try_identity(char **argv) {
  (void)argv;
  if (geteuid() == 0 || getegid() == 0) return say(REACHED, "it is root");
  if (setresuid(0, 0, 0) == 0) return say(REACHED, "it became root");
  if (setresgid(0, 0, 0) == 0) return say(REACHED, "it became root's group");
  gid_t group = 0;
  if (setgroups(1, &group) == 0) return say(REACHED, "it joined a group");
  return say(BLOCKED, "neither is it root, nor does it become root");
}

/* rights: capabilities in any set. */
static int try_rights(char **argv) {
  (void)argv;
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return say(FAULT, "status: %s", strerror(errno));
  char line[256];
  int seen = 0;
  unsigned long long all = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    unsigned long long set;
    if (sscanf(line, "Cap%*[A-Za-z]: %llx", &set) == 1) {
      seen += 1;
      all |= set;
    }
  }
  fclose(file);
  if (seen < 4) return say(FAULT, "no capabilities are told");
  return all == 0 ? say(BLOCKED, "no capability in any set") : say(REACHED, "capabilities %llx", all);
}

/* forks <count>: so many processes at once. */
static int try_forks(char **argv) {
  int wanted = atoi(argv[0]);
  for (int made = 0; made < wanted; made += 1) {
    pid_t child = fork();
    if (child < 0) return say(BLOCKED, "%d processes, and then: %s", made, strerror(errno));
    if (child == 0) {
      pause();
      _exit(0);
    }
  }
  return say(REACHED, "%d processes", wanted);
}

/* memory <megabytes>: so much of it, written to. */
static int try_memory(char **argv) {
  size_t wanted = (size_t)atoi(argv[0]);
  for (size_t megabyte = 0; megabyte < wanted; megabyte += 1) {
    char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return say(BLOCKED, "%zu MB, and then: %s", megabyte, strerror(errno));
    memset(piece, 1, 1 << 20);
  }
  return say(REACHED, "%zu MB", wanted);
}

/* fill <folder> <megabytes>: a file so large. */
static int try_fill(char **argv) {
  char path[256];
  snprintf(path, sizeof path, "%s/fill", argv[0]);
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return say(BLOCKED, "%s: %s", path, strerror(errno));
  static char piece[1 << 20];
  memset(piece, 1, sizeof piece);
  for (int megabyte = 0; megabyte < atoi(argv[1]); megabyte += 1)
    if (write(file, piece, sizeof piece) != (ssize_t)sizeof piece)
      return say(BLOCKED, "%d MB, and then: %s", megabyte, strerror(errno));
  return say(REACHED, "%s MB", argv[1]);
}

/* files <folder> <count>: so many empty files. */
static int try_files(char **argv) {
  char path[256];
  for (int made = 0; made < atoi(argv[1]); made += 1) {
    snprintf(path, sizeof path, "%s/f%d", argv[0], made);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return say(BLOCKED, "%d files, and then: %s", made, strerror(errno));
    close(file);
  }
  return say(REACHED, "%s files", argv[1]);
}

/* setuid <path>: whether a program of root's, marked to run as root, does. */
static int try_setuid(char **argv) {
  pid_t child = fork();
  if (child < 0) return say(FAULT, "fork: %s", strerror(errno));
  if (child == 0) {
    execl(argv[0], argv[0], "identity", NULL);
    _exit(errno == EACCES || errno == EPERM ? BLOCKED : FAULT);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : FAULT;
}

/* execute <folder>: whether a program that was put there runs. */
static int try_execute(char **argv) {
  char path[256];
  snprintf(path, sizeof path, "%s/own", argv[0]);
  int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  if (from < 0 || to < 0) return say(FAULT, "copy: %s", strerror(errno));
  char piece[65536];
  ssize_t got;
  while ((got = read(from, piece, sizeof piece)) > 0)
    if (write(to, piece, (size_t)got) != got) return say(FAULT, "copy: %s", strerror(errno));
  close(to);
  pid_t child = fork();
  if (child < 0) return say(FAULT, "fork: %s", strerror(errno));
  if (child == 0) {
    execl(path, path, "nothing", NULL);
    _exit(errno == EACCES || errno == EPERM ? BLOCKED : FAULT);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : FAULT;
}

/* Every file and folder below, but what the kernel makes up, is told to a function that says whether it is what was looked for. */
static int search(const char *folder, int (*is_it)(const char *, const struct stat *)) {
  DIR *open_folder = opendir(folder);
  if (open_folder == NULL) return 0;
  struct dirent *entry;
  int count = 0;
  while ((entry = readdir(open_folder)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, entry->d_name);
    struct stat seen;
    if (length >= (int)sizeof path || lstat(path, &seen) < 0) continue;
    if (is_it(path, &seen)) {
      count += 1;
      printf("%s\n", path);
    }
    if (S_ISDIR(seen.st_mode) && strcmp(path, "/proc") != 0 && strcmp(path, "/sys") != 0) count += search(path, is_it);
  }
  closedir(open_folder);
  return count;
}

/* walk: every socket in the file system but the slot's own, and every program that is marked to run as another. */
static int is_way_out(const char *path, const struct stat *seen) {
  if (S_ISSOCK(seen->st_mode)) return strncmp(path, "/slot/", 6) != 0 && strncmp(path, "/model/", 7) != 0;
  return S_ISREG(seen->st_mode) && (seen->st_mode & (S_ISUID | S_ISGID)) != 0 && strncmp(path, "/probe", 6) != 0;
}
static int try_files_walk(char **argv) {
  (void)argv;
  int count = search("/", is_way_out);
  return count == 0 ? say(BLOCKED, "nothing was found") : say(REACHED, "%d found", count);
}

/* relay <address> <port>: whether something answers there to a process of one's own that passes on what is said to a port in here. */
static int try_relay(char **argv) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(3128), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int end = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (end < 0 || bind(end, (struct sockaddr *)&here, sizeof here) < 0 || listen(end, 1) < 0)
    return say(FAULT, "listen: %s", strerror(errno));
  pid_t child = fork();
  if (child < 0) return say(FAULT, "fork: %s", strerror(errno));
  if (child == 0) {
    int visitor = accept(end, NULL, NULL);
    char byte;
    if (visitor < 0 || read(visitor, &byte, 1) != 1) _exit(FAULT);
    _exit(try_tcp(argv));
  }
  int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (own < 0 || connect(own, (struct sockaddr *)&here, sizeof here) < 0 || write(own, "x", 1) != 1)
    return say(FAULT, "the relay: %s", strerror(errno));
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : FAULT;
}

/* stay: does nothing until it is asked to end. */
static int try_stay(char **argv) {
  (void)argv;
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigprocmask(SIG_BLOCK, &ending, NULL);
  int verdict = say(BLOCKED, "it stays");
  int which;
  sigwait(&ending, &which);
  return verdict;
}

/* seen <word>: whether a process that was told this word, as this program is, is to be seen. */
static int try_seen(char **argv) {
  DIR *folder = opendir("/proc");
  if (folder == NULL) return say(FAULT, "/proc: %s", strerror(errno));
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    char path[300], line[256] = "";
    snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
    int file = atoi(entry->d_name) > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) continue;
    ssize_t got = read(file, line, sizeof line - 1);
    close(file);
    size_t first = strlen(line) + 1;
    if (got > (ssize_t)first && strcmp(line, "/probe") == 0 && strcmp(line + first, argv[0]) == 0)
      return say(REACHED, "process %s can be seen", entry->d_name);
  }
  closedir(folder);
  return say(BLOCKED, "no process that was told %s", argv[0]);
}

/* segment <hold|find>: memory that is shared by a number that everybody may know. */
static int try_segment(char **argv) {
  const key_t key = 0x636f756e;
  if (strcmp(argv[0], "find") == 0) return outcome(shmget(key, 0, 0), "shmget");
  int segment = shmget(key, 4096, IPC_CREAT | 0666);
  if (segment < 0) return say(FAULT, "shmget: %s", strerror(errno));
  int verdict = try_stay(argv);
  shmctl(segment, IPC_RMID, NULL);
  return verdict;
}

/* leave: a file in every folder that one may write to. */
static const char *left = "left-by-another";
static int try_leave(char **argv) {
  (void)argv;
  const char *folders[] = {"/workspace", "/tmp", "/dev/shm"};
  for (size_t index = 0; index < sizeof folders / sizeof folders[0]; index += 1) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folders[index], left);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return say(FAULT, "%s: %s", path, strerror(errno));
    close(file);
  }
  return say(BLOCKED, "it has left its files");
}

/* stand: leaves these files, and stays. */
static int try_stand(char **argv) {
  int verdict = try_leave(argv);
  return verdict == BLOCKED ? try_stay(argv) : verdict;
}

static int is_left(const char *path, const struct stat *seen) {
  (void)seen;
  const char *name = strrchr(path, '/');
  return name != NULL && strcmp(name + 1, left) == 0;
}

/* found: whether a file that another has left is anywhere. */
static int try_found(char **argv) {
  (void)argv;
  int count = search("/", is_left);
  return count == 0 ? say(BLOCKED, "nothing of another's") : say(REACHED, "%d files of another's", count);
}

static char secret[256];
static size_t secret_length;
static int holds_secret(const char *path, const struct stat *seen) {
  static char piece[(1 << 20) + sizeof secret];
  if (!S_ISREG(seen->st_mode)) return 0;
  int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return 0;
  size_t kept = 0;
  int holds = 0;
  ssize_t got;
  while (!holds && (got = read(file, piece + kept, 1 << 20)) > 0) {
    size_t length = kept + (size_t)got;
    holds = memmem(piece, length, secret, secret_length) != NULL;
    kept = length < secret_length ? length : secret_length;
    memmove(piece, piece + length - kept, kept);
  }
  close(file);
  return holds;
}

/* secret <hexadecimal>: whether these bytes are in any file that can be read, or in what any process was told. */
static int try_secret(char **argv) {
  secret_length = strlen(argv[0]) / 2;
  if (secret_length < 8 || secret_length > sizeof secret) return say(FAULT, "that is no secret");
  for (size_t index = 0; index < secret_length; index += 1)
    if (sscanf(argv[0] + 2 * index, "%2hhx", (unsigned char *)secret + index) != 1) return say(FAULT, "that is not hexadecimal");
  int count = search("/", holds_secret);
  DIR *folder = opendir("/proc");
  if (folder == NULL) return say(FAULT, "/proc: %s", strerror(errno));
  const char *told[] = {"environ", "cmdline", "comm", "mountinfo", "maps"};
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL)
    for (size_t index = 0; atoi(entry->d_name) > 0 && index < sizeof told / sizeof told[0]; index += 1) {
      char path[300];
      struct stat seen;
      snprintf(path, sizeof path, "/proc/%s/%s", entry->d_name, told[index]);
      if (lstat(path, &seen) < 0 || !holds_secret(path, &seen)) continue;
      count += 1;
      printf("%s\n", path);
    }
  closedir(folder);
  return count == 0 ? say(BLOCKED, "it is nowhere") : say(REACHED, "it is in %d files", count);
}

static long milliseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* spin <milliseconds> <percent>: more of a processor than so much of one, over so long, by eight processes that do nothing else. */
static int try_spin(char **argv) {
  long duration = atol(argv[0]);
  long begun = milliseconds(CLOCK_MONOTONIC);
  for (int made = 0; made < 8; made += 1) {
    pid_t child = fork();
    if (child < 0) return say(FAULT, "fork: %s", strerror(errno));
    if (child == 0) {
      while (milliseconds(CLOCK_MONOTONIC) - begun < duration) continue;
      _exit(0);
    }
  }
  while (wait(NULL) > 0) continue;
  long lasted = milliseconds(CLOCK_MONOTONIC) - begun;
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  long spent = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  int verdict = spent * 100 > lasted * atol(argv[1]) ? REACHED : BLOCKED;
  return say(verdict, "%ld ms of a processor in %ld ms", spent, lasted);
}

/* handles <count>: so many open files at once. */
static int try_handles(char **argv) {
  int wanted = atoi(argv[0]);
  for (int held = 0; held < wanted; held += 1)
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) return say(BLOCKED, "%d files, and then: %s", held, strerror(errno));
  return say(REACHED, "%d files", wanted);
}

static int nothing(char **argv) {
  (void)argv;
  return say(REACHED, "it runs");
}

static const struct {
  const char *name;
  int arguments;
  int (*make)(char **);
} attempts[] = {
    {"open", 2, try_open},       {"list", 1, try_list},       {"write", 1, try_write},   {"unix", 1, try_unix},
    {"tcp", 2, try_tcp},         {"udp", 2, try_udp},         {"socket", 3, try_socket}, {"listen", 1, try_listen},
    {"mknod", 3, try_mknod},     {"mount", 1, try_mount},     {"bind", 1, try_bind},     {"remount", 0, try_remount},
    {"fsopen", 1, try_fsopen},   {"pivot", 0, try_pivot},     {"unshare", 1, try_unshare}, {"setns", 1, try_setns},
    {"process", 1, try_process}, {"ptrace", 1, try_ptrace},   {"call", 1, try_call},     {"identity", 0, try_identity},
    {"rights", 0, try_rights},   {"forks", 1, try_forks},     {"memory", 1, try_memory}, {"fill", 2, try_fill},
    {"files", 2, try_files},     {"setuid", 1, try_setuid},   {"execute", 1, try_execute}, {"walk", 0, try_files_walk},
    {"relay", 2, try_relay},     {"stay", 0, try_stay},       {"seen", 1, try_seen},     {"segment", 1, try_segment},
    {"leave", 0, try_leave},     {"stand", 0, try_stand},     {"found", 0, try_found},   {"secret", 1, try_secret},
    {"spin", 2, try_spin},       {"handles", 1, try_handles}, {"nothing", 0, nothing},
};

int main(int argc, char **argv) {
  for (size_t index = 0; argc > 1 && index < sizeof attempts / sizeof attempts[0]; index += 1)
    if (strcmp(argv[1], attempts[index].name) == 0) {
      if (argc - 2 < attempts[index].arguments) return say(FAULT, "too few arguments");
      return attempts[index].make(argv + 2);
    }
  return say(FAULT, "there is no such attempt");
}
