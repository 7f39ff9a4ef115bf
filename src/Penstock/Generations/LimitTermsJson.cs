using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Limits;
using static Penstock.Protocols.JsonMembers;

namespace Penstock.Generations;

/// <summary>
/// Writes and reads <see cref="LimitTerms"/> by hand: they are written for every answer, which waits for it, and read again for every line of
/// usage, where a serializer took longer over the accounts than all else did together.
/// </summary>
internal sealed class LimitTermsJson : JsonConverter<LimitTerms>
{
    public override LimitTerms Read(ref Utf8JsonReader json, Type typeToConvert, JsonSerializerOptions options)
    {
        var (payer, model, input, output, money) = (default(Payer), default(string), 0L, 0L, 0L);
        while (IsNext(ref json))
        {
            if (Is(ref json, "payer"u8)) payer = ReadPayer(ref json);
            else if (Is(ref json, "model"u8)) model = json.GetString();
            else if (Is(ref json, "inputTokens"u8)) input = json.GetInt64();
            else if (Is(ref json, "outputTokens"u8)) output = json.GetInt64();
            else if (Is(ref json, "tokenMoney"u8)) money = json.GetInt64();
            else json.Skip();
        }

        return payer is null || model is null ? throw new JsonException() : new LimitTerms(payer, model, input, output, money);
    }

    public override void Write(Utf8JsonWriter json, LimitTerms value, JsonSerializerOptions options) => Write(json, value);

    public static void Write(Utf8JsonWriter json, LimitTerms terms)
    {
        json.WriteStartObject();
        json.WriteStartObject("payer"u8);
        if (terms.Payer.Owner is { } owner) json.WriteString("owner"u8, owner);
        json.WriteStartArray("accounts"u8);
        foreach (var account in terms.Payer.Accounts)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, account.Name);
            Write(json, account.Limits);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteString("model"u8, terms.Model);
        json.WriteNumber("inputTokens"u8, terms.InputTokens);
        json.WriteNumber("outputTokens"u8, terms.OutputTokens);
        json.WriteNumber("tokenMoney"u8, terms.TokenMoney);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LimitSettings limits)
    {
        json.WriteStartObject("limits"u8);
        if (limits.RequestsPerMinute is { } requests) json.WriteNumber("requestsPerMinute"u8, requests);
        if (limits.TokensPerMinute is { } tokens) json.WriteNumber("tokensPerMinute"u8, tokens);
        if (limits.Streams is { } streams) json.WriteNumber("streams"u8, streams);
        if (limits.TokensPerStream is { } length) json.WriteNumber("tokensPerStream"u8, length);
        if (limits.SecondsPerStream is { } seconds) json.WriteNumber("secondsPerStream"u8, seconds);
        if (limits.BudgetPerDay is { } day) json.WriteNumber("budgetPerDay"u8, day);
        if (limits.BudgetPerMonth is { } month) json.WriteNumber("budgetPerMonth"u8, month);
        json.WriteEndObject();
    }

    private static Payer ReadPayer(ref Utf8JsonReader json)
    {
        string? owner = null;
        var accounts = new List<Account>(2);
        while (IsNext(ref json))
        {
            if (Is(ref json, "owner"u8)) owner = json.GetString();
            else if (!Is(ref json, "accounts"u8)) json.Skip();
            else while (json.Read() && json.TokenType != JsonTokenType.EndArray) accounts.Add(ReadAccount(ref json));
        }

        return new Payer(owner, accounts);
    }

    private static Account ReadAccount(ref Utf8JsonReader json)
    {
        string? name = null;
        var limits = LimitSettings.None;
        while (IsNext(ref json))
        {
            if (Is(ref json, "name"u8)) name = json.GetString();
            else if (Is(ref json, "limits"u8)) limits = ReadLimits(ref json);
            else json.Skip();
        }

        return new Account(name ?? throw new JsonException(), limits);
    }

    private static LimitSettings ReadLimits(ref Utf8JsonReader json)
    {
        var limits = new LimitSettings();
        while (IsNext(ref json))
        {
            if (Is(ref json, "requestsPerMinute"u8)) limits.RequestsPerMinute = json.GetInt64();
            else if (Is(ref json, "tokensPerMinute"u8)) limits.TokensPerMinute = json.GetInt64();
            else if (Is(ref json, "streams"u8)) limits.Streams = json.GetInt64();
            else if (Is(ref json, "tokensPerStream"u8)) limits.TokensPerStream = json.GetInt64();
            else if (Is(ref json, "secondsPerStream"u8)) limits.SecondsPerStream = json.GetInt64();
            else if (Is(ref json, "budgetPerDay"u8)) limits.BudgetPerDay = json.GetDecimal();
            else if (Is(ref json, "budgetPerMonth"u8)) limits.BudgetPerMonth = json.GetDecimal();
            else json.Skip();
        }

        return limits;
    }
}
