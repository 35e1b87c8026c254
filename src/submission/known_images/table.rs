//! The table: programs, users and repositories.

use super::{Starts, System};

/// One repository: what its variants have in common.
pub(super) struct Repository {
    pub(super) name: &'static str,
    /// The system of its plain tags, of its `slim` tags and of its `alpine` tags.
    pub(super) plain: Option<System>,
    pub(super) slim: Option<System>,
    pub(super) alpine: Option<System>,
    pub(super) starts: Starts,
    pub(super) stays_root: bool,
    pub(super) has: &'static str,
    pub(super) lacks: &'static str,
    pub(super) users: &'static str,
}

/// Programs that Debian's and Ubuntu's base images do not have.
pub(super) const NOT_IN_DEBIAN: &str = "curl wget git gcc g++ cc make cmake ping nc netcat ncat telnet netstat ss vim vi nano \
    sudo unzip zip jq ssh python python3 pip pip3 node npm npx java php ruby go cargo apk \
    http httpie nslookup dig traceroute lsof dnf yum microdnf gosu tini supervisord psql \
    pg_isready redis-cli mysqladmin mysql uv poetry pipenv conda grpc_health_probe \
    dumb-init";

pub(super) const IN_DEBIAN: &str = "sh bash apt-get apt dpkg cat ls cp mv rm mkdir chmod chown grep sed find tar gzip \
    perl useradd groupadd usermod test [ true false echo env sleep date id head tail sort \
    cut tr wc touch ln timeout";

/// Programs of `buildpack-deps`, on which full images are built.
pub(super) const IN_FULL: &str = "curl wget git gcc g++ make ssh ps";

pub(super) const IN_ALPINE: &str = "sh ash apk wget nc ping ps vi unzip netstat nslookup adduser addgroup cat ls cp mv rm \
    mkdir chmod chown grep sed find tar gzip test [ true false echo env sleep date id \
    head tail sort cut tr wc touch ln timeout awk top kill pgrep pidof";

pub(super) const NOT_IN_ALPINE: &str = "bash curl gcc g++ cc make cmake sudo apt-get apt dpkg yum dnf useradd groupadd \
    usermod jq ssh python python3 pip pip3 node npm npx java php ruby go cargo nano vim \
    zip perl gosu tini supervisord psql pg_isready redis-cli uv poetry pipenv conda \
    dumb-init";

pub(super) const DEBIAN_USERS: &str = "root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc \
    gnats _apt nobody systemd-network systemd-resolve systemd-timesync messagebus ubuntu";

pub(super) const ALPINE_USERS: &str = "root bin daemon adm lp sync shutdown halt mail news uucp operator man postmaster cron \
    ftp sshd at squid xfs games cyrus vpopmail ntp smmsp guest nobody";

pub(super) const LANGUAGE: Repository = Repository {
    name: "",
    plain: Some(System::DebianFull),
    slim: Some(System::Debian),
    alpine: Some(System::Alpine),
    starts: Starts::Prompt,
    stays_root: true,
    has: "",
    lacks: "",
    users: "",
};

pub(super) const SERVER: Repository = Repository {
    plain: Some(System::Other),
    slim: None,
    alpine: Some(System::Other),
    starts: Starts::Server,
    stays_root: false,
    ..LANGUAGE
};

pub(super) const REPOSITORIES: [Repository; 22] = [
    Repository {
        name: "python",
        has: "python python3 pip pip3",
        ..LANGUAGE
    },
    Repository {
        name: "node",
        has: "node npm npx",
        users: "node",
        ..LANGUAGE
    },
    Repository {
        name: "ruby",
        alpine: Some(System::Other),
        has: "ruby gem bundle irb",
        ..LANGUAGE
    },
    Repository {
        name: "rust",
        // Its `slim` has a linker, its `alpine` a C compiler.
        slim: Some(System::Other),
        alpine: Some(System::Other),
        has: "cargo rustc rustup",
        ..LANGUAGE
    },
    Repository {
        name: "golang",
        slim: None,
        alpine: Some(System::Other),
        has: "go",
        ..LANGUAGE
    },
    Repository {
        name: "debian",
        plain: Some(System::Debian),
        alpine: None,
        ..LANGUAGE
    },
    Repository {
        name: "ubuntu",
        plain: Some(System::Ubuntu),
        slim: None,
        alpine: None,
        ..LANGUAGE
    },
    Repository {
        name: "alpine",
        plain: Some(System::Alpine),
        slim: None,
        alpine: None,
        ..LANGUAGE
    },
    Repository {
        name: "busybox",
        plain: Some(System::Other),
        slim: None,
        alpine: None,
        has: "wget nc ping vi",
        lacks: "curl bash python python3 apk apt-get",
        ..LANGUAGE
    },
    Repository {
        name: "php",
        plain: Some(System::Other),
        slim: None,
        alpine: Some(System::Other),
        starts: Starts::Unknown,
        stays_root: false,
        has: "php curl docker-php-ext-install",
        lacks: "composer",
        users: "www-data",
    },
    Repository {
        name: "nginx",
        has: "nginx",
        users: "nginx",
        ..SERVER
    },
    Repository {
        name: "httpd",
        has: "httpd",
        users: "www-data",
        ..SERVER
    },
    Repository {
        name: "postgres",
        has: "psql pg_isready gosu",
        users: "postgres",
        ..SERVER
    },
    Repository {
        name: "redis",
        has: "redis-cli redis-server",
        users: "redis",
        ..SERVER
    },
    Repository {
        name: "mysql",
        has: "mysqladmin mysql",
        users: "mysql",
        alpine: None,
        ..SERVER
    },
    Repository {
        name: "mariadb",
        has: "mariadb-admin healthcheck.sh",
        lacks: "curl",
        users: "mysql",
        alpine: None,
        ..SERVER
    },
    Repository {
        name: "mongo",
        has: "mongosh",
        users: "mongodb",
        alpine: None,
        ..SERVER
    },
    Repository {
        name: "rabbitmq",
        has: "rabbitmq-diagnostics rabbitmqctl",
        users: "rabbitmq",
        ..SERVER
    },
    Repository {
        name: "prom/prometheus",
        has: "wget",
        lacks: "curl bash python python3",
        users: "nobody",
        ..SERVER
    },
    Repository {
        name: "grafana/grafana",
        lacks: "python python3",
        users: "grafana",
        ..SERVER
    },
    Repository {
        name: "eclipse-temurin",
        plain: Some(System::Other),
        slim: None,
        alpine: Some(System::Other),
        has: "java",
        ..LANGUAGE
    },
    Repository {
        name: "buildpack-deps",
        slim: None,
        alpine: None,
        ..LANGUAGE
    },
];

pub(super) const RELEASES: [&str; 18] = [
    "trixie",
    "bookworm",
    "bullseye",
    "buster",
    "stretch",
    "sid",
    "stable",
    "oldstable",
    "testing",
    "noble",
    "jammy",
    "focal",
    "bionic",
    "oracular",
    "plucky",
    "lts",
    "current",
    "resolute",
];
