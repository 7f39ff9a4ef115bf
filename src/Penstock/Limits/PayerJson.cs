using System.Buffers;
using System.Text.Json;
using static Penstock.Protocols.JsonMembers;

namespace Penstock.Limits;

/// <summary>Writes and reads <see cref="Payer"/> by hand, since a label of each generation holds one.</summary>
internal static class PayerJson
{
    public static byte[] Write(Payer payer)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        if (payer.Owner is { } owner) json.WriteString("owner"u8, owner);
        json.WriteStartArray("accounts"u8);
        foreach (var account in payer.Accounts)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, account.Name);
            Write(json, account.Limits);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return output.WrittenSpan.ToArray();
    }

    public static Payer Read(ref Utf8JsonReader json)
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
