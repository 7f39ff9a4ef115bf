using System.Globalization;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations.Tools;

/// <summary>Takes people's word on calls that wait for it, on whatever node the generation runs, or will run again.</summary>
internal sealed class ToolApprovals(GenerationCatalog catalog, Approvals approvals)
{
    /// <summary>Allows a call, or does not.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="call">The call's id, or its block's number.</param>
    /// <param name="approve">Whether it may run.</param>
    /// <param name="owner">Whose generation it is.</param>
    /// <exception cref="RequestException">404: there is no such call to be decided on. 409: the other was said before.</exception>
    public async ValueTask DecideAsync(string id, string call, bool approve, Owner owner)
    {
        var snapshot = await catalog.GetSnapshotAsync(id, owner) ?? throw NotFound(call);
        var block = snapshot.Blocks.LastOrDefault(b => b.Approval is not null && (b.Id == call || b.Block.ToString(CultureInfo.InvariantCulture) == call)) ?? throw NotFound(call);
        var said = block.Approval switch
        {
            ApprovalState.Approved => true,
            ApprovalState.Denied => false,
            _ => await SayAsync(snapshot, block, approve),
        };
        if (said == approve) return;
        throw new RequestException($"The call was {(said ? "approved" : "denied")} before, and that stands.") { Status = 409, Code = "already_decided" };
    }

    private async ValueTask<bool> SayAsync(GenerationSnapshot snapshot, SnapshotBlock block, bool approve)
    {
        if (snapshot.Status is not (GenerationSnapshot.Running or GenerationSnapshot.Queued))
            throw new RequestException($"The generation has ended ({snapshot.Status}): nothing waits any more.") { Status = 409, Code = "generation_ended" };
        try
        {
            return await approvals.DecideAsync(snapshot.Id, block.Block, approve)
                ?? throw new RequestException("The client that asked for this answer says whether the call may run, in its next request (mcp_approval_response).") { Status = 409, Code = "client_decides" };
        }
        catch (StreamStorageException e)
        {
            var error = GenerationErrors.From(e);
            throw new RequestException(error.Message) { Status = error.Status, Code = error.Code };
        }
    }

    private static RequestException NotFound(string call) => new($"No call '{call}' of this generation waits for a word. Its events name those that do (approval).") { Status = 404, Code = "call_not_found" };
}
