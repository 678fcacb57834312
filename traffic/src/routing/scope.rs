//! Resources that say something of routes: no two of a kind of the same route.

use sluice_policy::{DiagnosticCode, Diagnostics};

/// Which routes a resource is about.
#[derive(Debug)]
pub(super) struct Scope<'c> {
    /// Where the resource stands.
    pub path: &'c str,
    /// The routes, by number.
    pub routes: Vec<usize>,
    /// Whether it names its route. Such a one is meant more than one for all routes.
    pub names_route: bool,
}

/// Reports what holds for no route, because others hold for all of its own, and what is
/// the second one of a route.
pub(super) fn check(scopes: &[Scope<'_>], diagnostics: &mut Diagnostics) {
    for (number, scope) in scopes.iter().enumerate() {
        let others = scopes.iter().enumerate();
        let rival = others
            .filter(|(other, _)| *other != number)
            .find(|(other, rival)| {
                let is_equal = rival.names_route == scope.names_route;
                is_equal && *other < number && rival.has_one_of(&scope.routes)
            });
        let rival = rival
            .map(|(_, rival)| rival)
            .or_else(|| scope.covered_by(scopes));
        if let Some(rival) = rival {
            let expected = ["one for each route, as at ", rival.path].concat();
            let found = "a second one of the same kind";
            diagnostics.error(DiagnosticCode::DuplicateItem, scope.path, found, expected);
        }
    }
}

impl Scope<'_> {
    fn has_one_of(&self, routes: &[usize]) -> bool {
        self.routes.iter().any(|route| routes.contains(route))
    }

    /// One of those that name their routes, if there is one for each of all routes.
    fn covered_by<'s>(&self, scopes: &'s [Self]) -> Option<&'s Self> {
        if self.names_route {
            return None;
        }
        let naming = |route: &usize| {
            let mut naming = scopes.iter().filter(|other| other.names_route);
            naming.find(|other| other.routes.contains(route))
        };
        let all = self.routes.iter().map(naming).collect::<Option<Vec<_>>>()?;
        all.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Places of what is one too many.
    fn surplus(scopes: &[(&'static [usize], bool)]) -> Vec<usize> {
        let paths = ["0", "1", "2"];
        let scopes: Vec<Scope<'_>> = scopes
            .iter()
            .zip(paths)
            .map(|((routes, names_route), path)| Scope {
                path,
                routes: routes.to_vec(),
                names_route: *names_route,
            })
            .collect();
        let mut diagnostics = Diagnostics::new();
        check(&scopes, &mut diagnostics);
        let found = diagnostics.iter();
        found.map(|finding| finding.path.parse().unwrap()).collect()
    }

    #[test]
    fn a_route_has_one_of_a_kind() {
        assert_eq!(surplus(&[(&[0], true), (&[1], true)]), [0; 0]);
        assert_eq!(surplus(&[(&[0], true), (&[0], true)]), [1]);
        assert_eq!(surplus(&[(&[0, 1], false), (&[1, 2], false)]), [1]);
        assert_eq!(surplus(&[(&[0], true), (&[0], true), (&[0], true)]), [1, 2]);
        // Reported already, as one of no route at all.
        assert_eq!(surplus(&[(&[], true), (&[], true)]), [0; 0]);
    }

    #[test]
    fn one_that_names_the_route_goes_before_one_for_all() {
        assert_eq!(surplus(&[(&[0], true), (&[0, 1], false)]), [0; 0]);
        assert_eq!(surplus(&[(&[0, 1], false), (&[0], true)]), [0; 0]);
        assert_eq!(surplus(&[(&[0], true), (&[0], false)]), [1]);
        assert_eq!(
            surplus(&[(&[0, 1], false), (&[0], true), (&[1], true)]),
            [0]
        );
    }
}
