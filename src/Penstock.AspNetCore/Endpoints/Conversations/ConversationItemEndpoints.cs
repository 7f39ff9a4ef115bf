using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Generations.Summaries;
using Penstock.Protocols;
using Penstock.Protocols.Responses;

namespace Penstock.AspNetCore.Endpoints.Conversations;

/// <summary><c>/v1/conversations/{id}/items</c>: what was said, put in, listed, read and taken out.</summary>
internal sealed class ConversationItemEndpoints(GenerationEndpoint endpoint, ConversationStore conversations, SummaryStore summaries, PenstockOptions options)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map($"{ConversationEndpoints.Address}/{{id}}/items", Surface.Responses, ("POST", Handle(AddAsync)), ("GET", Handle(ListAsync)));
        routes.Map($"{ConversationEndpoints.Address}/{{id}}/items/{{item}}", Surface.Responses, ("GET", Handle(GetAsync)), ("DELETE", Handle(RemoveAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) =>
        context => endpoint.HandleAsync(context, ClientProtocols.Responses, () => handler(context));

    private async Task AddAsync(HttpContext context)
    {
        await FindAsync(context);
        await endpoint.CountAsync(context);
        using var body = await ConversationBody.ReadAsync(context, options);
        var items = body.Items();
        if (items.Count == 0) throw RequestJson.Error("missing_required_parameter", "items", "'items' is missing or empty: send the items to put in.");
        (string, string)? key = GenerationEndpoint.KeyOf(context) is { } text ? (IdempotencyKeys.Hash(IdOf(context), text), body.Hash) : null;
        var (conversation, ids) = await conversations.AddAsync(IdOf(context), OwnerOf(context), items, key);
        var mine = ids.ToHashSet(StringComparer.Ordinal);
        var added = conversation.Said!.Items.Where(i => mine.Contains(i.Id)).ToList();
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteItems(json, added, hasMore: false));
    }

    private async Task ListAsync(HttpContext context)
    {
        var said = (await OpenAsync(context)).Said!.Items;
        var (limit, after, order) = (ConversationReply.LimitOf(context), context.Request.Query["after"].ToString(), context.Request.Query["order"].ToString());
        if (order is not ("" or "asc" or "desc")) throw new RequestException($"order is '{order}'; it must be asc or desc.") { Param = "order" };
        IEnumerable<ConversationItem> items = said;
        if (order != "asc") items = items.Reverse(); // the newest first, as everywhere in this API
        if (after.Length > 0) items = items.SkipWhile(i => i.Id != after).Skip(1);
        var page = items.Take(limit + 1).ToList();
        var hasMore = page.Count > limit;
        if (hasMore) page.RemoveAt(limit);
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteItems(json, page, hasMore));
    }

    private async Task GetAsync(HttpContext context)
    {
        var conversation = await OpenAsync(context);
        var item = conversation.Said!.Items.FirstOrDefault(i => i.Id == ItemOf(context)) ?? throw ConversationStore.ItemNotFound(conversation.Id, ItemOf(context));
        await ConversationReply.WriteAsync(context, json => json.WriteRawValue(item.Json.Span, skipInputValidation: true));
    }

    private async Task RemoveAsync(HttpContext context)
    {
        var before = await OpenAsync(context);
        var conversation = await conversations.RemoveAsync(IdOf(context), OwnerOf(context), ItemOf(context));
        await summaries.ForgetAsync(before, await OpenAsync(context));
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteConversation(json, conversation));
    }

    private async Task<Conversation> FindAsync(HttpContext context) => await conversations.GetAsync(IdOf(context), OwnerOf(context)) ?? throw ConversationStore.NotFound(IdOf(context));

    private async Task<Conversation> OpenAsync(HttpContext context) => await conversations.OpenAsync(IdOf(context), OwnerOf(context)) ?? throw ConversationStore.NotFound(IdOf(context));

    private static string IdOf(HttpContext context) => context.Request.RouteValues["id"] as string ?? "";

    private static string ItemOf(HttpContext context) => context.Request.RouteValues["item"] as string ?? "";

    private static Owner OwnerOf(HttpContext context) => Caller.Of(context).Owner;
}
