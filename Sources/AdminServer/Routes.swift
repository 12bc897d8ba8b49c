import AdminContract
import ClusterModel
import Hummingbird

/// Adds the API's routes. Each decodes, calls one method of the service and encodes; the service decides what is allowed.
func addRoutes(to api: RouterGroup<CallerContext>, service: any AdminService) {
    addUsers(to: api, service)
    addFleet(to: api, service)
    addGroups(to: api, service)
    addApart(to: api, service)
    addCA(to: api, service)
    addSettings(to: api, service)
    addChanges(to: api, service)
    addCertificates(to: api, service)
    addAlerts(to: api, service)
    addAuthorities(to: api, service)
    addLog(to: api, service)
}

/// A part of a path that stands for a name.
private let name = "name"

private func path(_ text: String) -> RouterPath { RouterPath(text) }

private func addUsers(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.users)) { _, context in
        Answer(try await service.users(for: context.caller))
    }
    api.post(path(Paths.users)) { request, context in
        Answer(try await service.addUser(request.value(UserRequest.self), for: context.caller), status: .created)
    }
    api.delete(path(Paths.user(":\(name)"))) { _, context in
        Answer(try await service.removeUser(context.parameters.require(name), for: context.caller))
    }
    api.post(path(Paths.tokens)) { request, context in
        Answer(try await service.createToken(request.value(TokenRequest.self), for: context.caller), status: .created)
    }
}

private func addFleet(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.whoAmI)) { _, context in
        Answer(try await service.whoAmI(context.caller))
    }
    api.get(path(Paths.status)) { _, context in
        Answer(try await service.status(for: context.caller))
    }
    api.get(path(Paths.machines)) { _, context in
        Answer(try await service.machines(for: context.caller))
    }
    api.get(path(Paths.machine(":\(name)"))) { _, context in
        Answer(try await service.machine(context.parameters.require(name), for: context.caller))
    }
    api.delete(path(Paths.machine(":\(name)"))) { request, context in
        let archive = request.parameter(Parameter.archive) == "true"
        return Answer(try await service.removeMachine(context.parameters.require(name), archive: archive, for: context.caller))
    }
    api.post(path(Paths.restore(":\(name)"))) { request, context in
        Answer(try await service.restoreMachine(context.parameters.require(name), request.value(RestoreRequest.self), for: context.caller))
    }
    api.get(path(Paths.archives)) { _, context in
        Answer(try await service.archives(for: context.caller))
    }
    api.delete(path(Paths.archive(":\(name)"))) { _, context in
        Answer(try await service.forgetArchive(context.parameters.require(name), for: context.caller))
    }
    api.get(path(Paths.loss(":\(name)"))) { _, context in
        Answer(try await service.loss(removing: context.parameters.require(name), for: context.caller))
    }
    api.post(path(Paths.move(":\(name)"))) { request, context in
        Answer(try await service.moveMachine(context.parameters.require(name), request.value(MoveRequest.self), for: context.caller))
    }
    api.post(path(Paths.rename(machine: ":\(name)"))) { request, context in
        Answer(try await service.renameMachine(context.parameters.require(name), request.value(RenameRequest.self), for: context.caller))
    }
    api.post(path(Paths.retry(":\(name)"))) { _, context in
        Answer(try await service.retryMachine(context.parameters.require(name), for: context.caller))
    }
    api.post(path(Paths.consistencyChecks)) { request, context in
        Answer(try await service.checkConsistency(request.value(ConsistencyRequest.self), for: context.caller))
    }
    api.post(path(Paths.repair(":\(name)"))) { request, context in
        Answer(try await service.repairMachine(context.parameters.require(name), request.value(RepairRequest.self), for: context.caller))
    }
    api.post(path(Paths.readmission(":\(name)"))) { request, context in
        Answer(
            try await service.readmitMachine(
                context.parameters.require(name), request.value(ReadmissionRequest.self), for: context.caller), status: .created)
    }
    api.post(path(Paths.invitations)) { request, context in
        Answer(try await service.invite(request.value(InvitationRequest.self), for: context.caller), status: .created)
    }
}

private func addGroups(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.groups)) { _, context in
        Answer(try await service.groups(for: context.caller))
    }
    api.post(path(Paths.groups)) { request, context in
        Answer(try await service.addGroup(request.value(GroupRequest.self), for: context.caller), status: .created)
    }
    api.post(path(Paths.rename(group: ":\(name)"))) { request, context in
        Answer(try await service.renameGroup(context.parameters.require(name), request.value(RenameRequest.self), for: context.caller))
    }
    api.get(path(Paths.loss(group: ":\(name)"))) { _, context in
        Answer(try await service.loss(deletingGroup: context.parameters.require(name), for: context.caller))
    }
    api.delete(path(Paths.group(":\(name)"))) { _, context in
        Answer(try await service.deleteGroup(context.parameters.require(name), for: context.caller))
    }
    api.get(path(Paths.joinRequests)) { _, context in
        Answer(try await service.joinRequests(for: context.caller))
    }
    api.post(path(Paths.joinDecisions)) { request, context in
        Answer(try await service.decideJoin(request.value(JoinDecision.self), for: context.caller))
    }
}

private func addApart(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.post(path(Paths.disconnection(":\(name)"))) { _, context in
        Answer(try await service.disconnectMachine(context.parameters.require(name), for: context.caller))
    }
    api.post(path(Paths.reconnection(":\(name)"))) { _, context in
        Answer(try await service.reconnectMachine(context.parameters.require(name), for: context.caller))
    }
    api.get(path(Paths.localConflicts(":\(name)"))) { _, context in
        Answer(try await service.localConflicts(of: context.parameters.require(name), for: context.caller))
    }
    api.post(path(Paths.localTakes(":\(name)"))) { request, context in
        let machine = try context.parameters.require(name)
        return Answer(try await service.takeLocalEdits(request.value(LocalConflictChoice.self), of: machine, for: context.caller))
    }
    api.post(path(Paths.localDrops(":\(name)"))) { request, context in
        let machine = try context.parameters.require(name)
        return Answer(try await service.dropLocalEdits(request.value(LocalConflictChoice.self), of: machine, for: context.caller))
    }
}

private func addCA(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.ca)) { _, context in
        Answer(try await service.ca(for: context.caller))
    }
    api.post(path(Paths.caSteps)) { request, context in
        Answer(try await service.rotateCA(request.value(CARequest.self), for: context.caller), status: .created)
    }
}

private func addSettings(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.settings)) { request, context in
        let query = SettingsQuery(
            level: try request.level(Parameter.level) ?? .cluster,
            section: request.parameter(Parameter.section).map(SectionName.init(rawValue:)), entry: request.parameter(Parameter.entry))
        return Answer(try await service.show(query, for: context.caller))
    }
    api.get(path(Paths.effective(":\(name)"))) { request, context in
        let query = EffectiveQuery(
            machine: try context.parameters.require(name),
            section: request.parameter(Parameter.section).map(SectionName.init(rawValue:)), entry: request.parameter(Parameter.entry),
            revision: try request.number(Parameter.revision))
        return Answer(try await service.effective(query, for: context.caller))
    }
    api.post(path(Paths.edits)) { request, context in
        Answer(try await service.edit(request.value(EditRequest.self), for: context.caller))
    }
    api.post(path(Paths.overrides)) { request, context in
        Answer(try await service.override(request.value(OverrideRequest.self), for: context.caller))
    }
    api.post(path(Paths.copies)) { request, context in
        Answer(try await service.copy(request.value(CopyRequest.self), for: context.caller))
    }
}

private func addChanges(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.changes)) { _, context in
        Answer(try await service.changes(for: context.caller))
    }
    api.delete(path(Paths.changes)) { request, context in
        let query = DiscardQuery(
            level: try request.level(Parameter.level), section: request.parameter(Parameter.section).map(SectionName.init(rawValue:)),
            entry: request.parameter(Parameter.entry))
        return Answer(try await service.discard(query, for: context.caller))
    }
    api.get(path(Paths.changesPreview)) { _, context in
        Answer(try await service.previewChanges(for: context.caller))
    }
    api.post(path(Paths.keeps)) { request, context in
        Answer(try await service.keep(request.value(KeepRequest.self), for: context.caller))
    }
    api.post(path(Paths.commits)) { request, context in
        Answer(try await service.commit(request.value(CommitRequest.self), for: context.caller))
    }
    api.post(path(Paths.documents)) { request, context in
        Answer(try await service.apply(request.value(ApplyRequest.self), for: context.caller))
    }
    api.post(path(Paths.savedDocuments)) { request, context in
        Answer(try await service.save(request.value(SaveRequest.self), for: context.caller))
    }
    api.get(path(Paths.history)) { request, context in
        Answer(try await service.history(page(of: request), for: context.caller))
    }
    api.get(path(Paths.diff)) { request, context in
        let query = DiffQuery(from: try request.number(Parameter.from), to: try request.number(Parameter.to))
        return Answer(try await service.diff(query, for: context.caller))
    }
    api.post(path(Paths.rollbacks)) { request, context in
        Answer(try await service.rollback(request.value(RollbackRequest.self), for: context.caller))
    }
}

private func addCertificates(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.certificates)) { request, context in
        Answer(try await service.certificates(at: request.level(Parameter.level), for: context.caller))
    }
    api.get(path(Paths.certificate(":\(name)"))) { request, context in
        let level = try request.level(Parameter.level) ?? .cluster
        return Answer(try await service.certificate(context.parameters.require(name), at: level, for: context.caller))
    }
    api.get(path(Paths.certificateRequest(":\(name)"))) { request, context in
        let level = try request.level(Parameter.level) ?? .cluster
        return Answer(try await service.certificateRequest(context.parameters.require(name), at: level, for: context.caller))
    }
    api.post(path(Paths.certificateUploads)) { request, context in
        Answer(try await service.uploadCertificate(request.value(CertificateUpload.self), for: context.caller))
    }
    api.post(path(Paths.certificateExports)) { request, context in
        Answer(try await service.exportCertificate(request.value(CertificateExport.self), for: context.caller))
    }
    api.get(path(Paths.certificateChecks)) { _, context in
        Answer(try await service.checkCertificates(for: context.caller))
    }
    api.post(path(Paths.mailExchangeChecks)) { request, context in
        Answer(try await service.checkMailExchange(request.value(MailExchangeRequest.self), for: context.caller))
    }
    api.get(path(Paths.certificateUses(":\(name)"))) { request, context in
        let level = try request.level(Parameter.level) ?? .cluster
        return Answer(try await service.certificateUses(context.parameters.require(name), at: level, for: context.caller))
    }
    api.get(path(Paths.certificateRenewal(":\(name)"))) { request, context in
        let query = RenewalQuery(
            level: try request.level(Parameter.level) ?? .cluster, old: try context.parameters.require(name),
            new: request.parameter(Parameter.with))
        return Answer(try await service.renewal(query, for: context.caller))
    }
    api.delete(path(Paths.certificate(":\(name)"))) { request, context in
        let level = try request.level(Parameter.level) ?? .cluster
        return Answer(try await service.deleteCertificate(context.parameters.require(name), at: level, for: context.caller))
    }
    api.post(path(Paths.certificates)) { request, context in
        Answer(try await service.createCertificate(request.value(CertificateCreation.self), for: context.caller), status: .created)
    }
    api.post(path(Paths.certificateImports)) { request, context in
        Answer(try await service.importCertificate(request.value(CertificateImport.self), for: context.caller), status: .created)
    }
    api.post(path(Paths.certificatePromotions)) { request, context in
        Answer(try await service.promoteCertificate(request.value(CertificatePromotion.self), for: context.caller))
    }
}

private func addAlerts(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.alerts)) { request, context in
        Answer(try await service.alerts(all: request.parameter(Parameter.all) == "true", for: context.caller))
    }
    api.post(path(Paths.alertAcknowledgements)) { request, context in
        Answer(try await service.acknowledgeAlerts(request.value(AlertAcknowledgement.self), for: context.caller))
    }
}

private func addAuthorities(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.authorities)) { request, context in
        Answer(try await service.authorities(at: request.level(Parameter.level), for: context.caller))
    }
    api.get(path(Paths.authority(":\(name)"))) { request, context in
        let level = try request.level(Parameter.level) ?? .cluster
        return Answer(try await service.authority(context.parameters.require(name), at: level, for: context.caller))
    }
    api.post(path(Paths.authorities)) { request, context in
        Answer(try await service.addAuthorities(request.value(AuthorityAddition.self), for: context.caller), status: .created)
    }
    api.post(path(Paths.systemAuthorities)) { request, context in
        Answer(try await service.trustSystem(request.value(SystemTrust.self), for: context.caller))
    }
    api.delete(path(Paths.authority(":\(name)"))) { request, context in
        let level = try request.level(Parameter.level) ?? .cluster
        return Answer(try await service.removeAuthorities(context.parameters.require(name), at: level, for: context.caller))
    }
}

private func addLog(to api: RouterGroup<CallerContext>, _ service: any AdminService) {
    api.get(path(Paths.audit)) { request, context in
        Answer(try await service.audit(page(of: request), for: context.caller))
    }
    api.get(path(Paths.refusedAttempts)) { _, context in
        Answer(try await service.refusedAttempts(for: context.caller))
    }
    api.get(path(Paths.auditVerification)) { _, context in
        Answer(try await service.verifyAudit(for: context.caller))
    }
}

/// The part of a list that a request asks for; no longer than the standard one.
private func page(of request: Request) throws(Refusal) -> Page {
    Page(
        after: try request.number(Parameter.after),
        limit: min(try request.number(Parameter.limit) ?? Page.standardLimit, Page.standardLimit))
}
