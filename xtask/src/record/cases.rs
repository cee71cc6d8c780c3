//! The requests of a recording: what the provider sends, and what it must understand when it goes
//! wrong. They build on each other, so their order matters.

/// A request, and what it is about.
pub struct Case {
    /// Name of the file, behind the number.
    pub name: &'static str,
    /// The description in the file.
    pub description: &'static str,
    method: &'static str,
    path: String,
    /// The form, percent-encoded.
    pub body: String,
    /// The credential of the request.
    pub authorization: Authorization,
}

/// The credential of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// The token that the environment names.
    Valid,
    /// That token with a secret that is not its own.
    WrongSecret,
    /// No credential.
    None,
}

/// The objects that the requests are about.
pub struct Setup {
    /// The owner of the token.
    pub user: String,
    /// The name of the token.
    pub token: String,
}

impl Setup {
    fn path(&self) -> String {
        format!("/access/users/{}/token/{}", self.user, self.token)
    }

    /// The request that removes the token.
    pub fn removal(&self) -> Case {
        case(
            "token-delete",
            "revoke the token",
            "DELETE",
            self.path(),
            "",
        )
    }
}

impl Case {
    /// The first line of the request.
    pub fn line(&self) -> String {
        format!("{} /api2/json{} HTTP/1.1", self.method, self.path)
    }

    fn with(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }
}

fn case(
    name: &'static str,
    description: &'static str,
    method: &'static str,
    path: impl Into<String>,
    body: &str,
) -> Case {
    Case {
        name,
        description,
        method,
        path: path.into(),
        body: body.to_owned(),
        authorization: Authorization::Valid,
    }
}

/// All requests, in their order.
pub fn cases(setup: &Setup) -> Vec<Case> {
    let token = || setup.path();
    let user = format!("/access/users/{}", setup.user);
    let entry = |rest: &str| format!("path=/vms&tokens={}!{}&{rest}", setup.user, setup.token);
    let get = |name, description, path: &str| case(name, description, "GET", path, "");
    vec![
        get("version", "version of the server", "/version"),
        get(
            "domains",
            "realms, which need no credential",
            "/access/domains",
        )
        .with(Authorization::None),
        get("noauth", "a request without a credential", "/version").with(Authorization::None),
        get("wrong-secret", "a token with a wrong secret", "/version")
            .with(Authorization::WrongSecret),
        get("unknown", "a path that does not exist", "/no/such/path"),
        get("roles", "roles and their privileges", "/access/roles"),
        get("permissions", "own privileges", "/access/permissions"),
        get("nodes", "nodes of the cluster", "/nodes"),
        get("cluster-status", "quorum of the cluster", "/cluster/status"),
        get("token-get-missing", "a token that does not exist", &token()),
        case(
            "token-create",
            "create a token with comment and expiry",
            "POST",
            token(),
            "comment=recorded&expire=4102444800&privsep=1",
        ),
        case(
            "token-create-duplicate",
            "create the same token again",
            "POST",
            token(),
            "comment=recorded",
        ),
        get("token-get", "read the token", &token()),
        get("user-get", "read the owner with its tokens", &user),
        get(
            "token-list",
            "list the tokens of the owner",
            &format!("{user}/token"),
        ),
        case(
            "token-update",
            "change the comment",
            "PUT",
            token(),
            "comment=changed",
        ),
        get("token-get-updated", "read the changed token", &token()),
        case(
            "token-update-delete",
            "remove the comment",
            "PUT",
            token(),
            "delete=comment",
        ),
        case(
            "token-update-expire",
            "remove the expiry",
            "PUT",
            token(),
            "expire=0",
        ),
        case(
            "token-update-bad-expire",
            "an expiry that is no number",
            "PUT",
            token(),
            "expire=tomorrow",
        ),
        case(
            "token-update-bad-param",
            "an unknown parameter",
            "PUT",
            token(),
            "nonsense=1",
        ),
        case(
            "token-regenerate",
            "replace the secret in place; refused before libpve-access-control 9.1",
            "PUT",
            token(),
            "regenerate=1",
        ),
        case(
            "acl-grant",
            "grant a role to the token",
            "PUT",
            "/access/acl",
            &entry("roles=PVEAuditor"),
        ),
        get("acl-read", "read the access control list", "/access/acl"),
        case(
            "acl-bad-role",
            "grant a role that does not exist",
            "PUT",
            "/access/acl",
            &entry("roles=NoSuchRole"),
        ),
        get(
            "permissions-of-token",
            "privileges of the token",
            &format!("/access/permissions?userid={}!{}", setup.user, setup.token),
        ),
        case(
            "acl-remove",
            "remove the role of the token",
            "PUT",
            "/access/acl",
            &entry("roles=PVEAuditor&delete=1"),
        ),
        setup.removal(),
        case(
            "token-delete-missing",
            "revoke the token again",
            "DELETE",
            token(),
            "",
        ),
    ]
}
