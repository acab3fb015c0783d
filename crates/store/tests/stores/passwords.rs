use std::path::PathBuf;

use lgsp_store::testing::Database;
use lgsp_store::{Options, Store};
use tempfile::TempDir;

use crate::{number, soon};

/// The role of `deploy/postgres` whose members are asked for their password.
const MEMBERS: &str = "SELECT count(*) AS n FROM pg_roles WHERE rolname = 'lgsp_with_password'";

/// A database with a user of its own who has a password.
struct Guarded {
    database: Database,
    user: String,
    folder: TempDir,
}

impl Guarded {
    async fn new() -> Option<Self> {
        let database = Database::postgres().await?;
        let administrator = Store::open(&database.options(), &[]).await.unwrap();
        if number(&administrator, MEMBERS).await == 0 {
            eprintln!("skipped: needs the server of deploy/postgres, with the role lgsp_with_password");
            return None;
        }
        let name = database.url().rsplit('/').next().unwrap().trim_end_matches('?');
        let user = name.replace("test", "user");
        let create = format!("CREATE USER {user} PASSWORD 'first' IN ROLE lgsp_with_password");
        administrator.run(&create).await.unwrap();
        Some(Self { user, database, folder: TempDir::new().unwrap() })
    }

    async fn administer(&self, sql: &str) {
        Store::open(&self.database.options(), &[]).await.unwrap().run(sql).await.unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    fn options(&self) -> Options {
        let url = self.database.url().replace("lgsp@", &format!("{}@", self.user));
        Options { password_file: Some(self.file()), max_connections: 2, ..Options::of(url) }
    }

    async fn open_with(&self, password: &str) -> Result<Store, lgsp_store::Error> {
        std::fs::write(self.file(), password).unwrap();
        Store::open_read_only(&self.options()).await
    }
}

#[tokio::test]
async fn a_password_comes_from_its_file_and_a_wrong_one_is_told_clearly() {
    let Some(guarded) = Guarded::new().await else { return };
    guarded.open_with("first\n").await.unwrap().probe(soon()).await.unwrap();
    let refusal = guarded.open_with("wrong").await.unwrap_err();
    assert_eq!(refusal.to_string(), "the store refuses our user, its password or its right (code 28P01)");
    let refusal = guarded.open_with("").await.unwrap_err();
    assert_eq!(refusal.to_string(), "password-file is empty");
    std::fs::remove_file(guarded.file()).unwrap();
    let refusal = Store::open_read_only(&guarded.options()).await.unwrap_err();
    assert_eq!(refusal.to_string(), "password-file cannot be read");

    let without = Options { password_file: None, ..guarded.options() };
    let refusal = Store::open_read_only(&without).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the store refuses our user, its password or its right (code no-password)"
    );
    guarded.administer(&format!("DROP USER {}", guarded.user)).await;
}

#[tokio::test]
async fn a_password_that_was_changed_counts_without_a_restart() {
    let Some(guarded) = Guarded::new().await else { return };
    let store = guarded.open_with("first").await.unwrap();
    guarded.administer(&format!("ALTER USER {} PASSWORD 'second'", guarded.user)).await;
    let _known = store.reader(soon()).await.unwrap();
    assert_eq!(store.reader(soon()).await.unwrap_err().cause(), "denied", "with the old one");
    std::fs::write(guarded.file(), "second").unwrap();
    store.reader(soon()).await.unwrap();
    store.close().await;
    guarded.administer(&format!("DROP USER {}", guarded.user)).await;
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_clearly() {
    let Some(guarded) = Guarded::new().await else { return };
    guarded.administer("CREATE TABLE secret (id int)").await;
    let store = guarded.open_with("first").await.unwrap();
    let refusal = store.run("SELECT * FROM secret").await.unwrap_err();
    assert_eq!(refusal.to_string(), "the store refuses our user, its password or its right (code 42501)");
    store.close().await;
    guarded.administer(&format!("DROP USER {}", guarded.user)).await;
}
