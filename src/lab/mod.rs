//! Floor 2: incidents built for real, in namespaces of their own, so that nothing of the host is touched.
