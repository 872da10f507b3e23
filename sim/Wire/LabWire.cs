using System.Net;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login;
using Appliance.Firmware.Radius;

namespace Appliance.Sim.Wire;

/// <summary>
/// The newest messages of logins, between all who take part, for whoever looks on. Bounded, free of secrets, and gone with the unit whose logins they
/// belong to. A message that belongs to no login of the unit is not kept. Thread-safe.
/// </summary>
internal sealed class LabWire(TimeProvider time) : IWireObserver
{
    internal const int MessagesMax = 1000;

    private readonly Lock _lock = new();
    private readonly AsyncLocal<ClientExchange?> _flow = new();
    private readonly Queue<LabMessage> _messages = [];
    private Unit? _unit;
    private Known<string> _sessions = new();
    private Known<string> _requests = new();
    private Known<long> _questions = new();
    private Known<(string, int, byte)> _radius = new();
    private readonly Dictionary<string, long> _asking = new(StringComparer.Ordinal);
    private long _last;

    /// <summary>The FortiAuthenticator stand-in's address; null in a lab without one.</summary>
    public IPAddress? Authenticator { get; init; }

    /// <summary>True when pushes go straight to the phones.</summary>
    public bool PushesDirect { get; init; }

    /// <summary>Those after a number, oldest first.</summary>
    public IReadOnlyList<LabMessage> After(long id)
    {
        lock (_lock)
        {
            return [.. _messages.SkipWhile(message => message.Id <= id)];
        }
    }

    /// <summary>Another unit is up: its logins count from 1 again.</summary>
    public void Attach(Unit unit)
    {
        lock (_lock)
        {
            _unit = unit;
            _messages.Clear();
            (_sessions, _requests, _questions, _radius) = (new(), new(), new(), new());
            _asking.Clear();
        }
        unit.Logins.Noted += Noted;
    }

    /// <inheritdoc/>
    public IHttpService Over(string service, IHttpService inner) => new ClientRecorder(inner, this, time);

    /// <inheritdoc/>
    public void Radius(RadiusTraffic traffic)
    {
        if (RadiusPacket.Parse(traffic.Packet.Span, out var packet) != RadiusDefect.None)
        {
            return;
        }
        var server = traffic.Server.Address.Equals(Authenticator) ? Party.Authenticator : Party.RadiusServer;
        var name = RadiusText.Name(packet.Code);
        var text = new MessageText(name, $"{name} id {packet.Identifier} ({(traffic.Question is null ? "from" : "to")} {traffic.Server})", [.. RadiusText.Fields(packet).Select(field => Mask.Header(field.Name, field.Value))], "");
        var user = packet.TryGet(RadiusAttribute.UserName, out var bytes) ? System.Text.Encoding.UTF8.GetString(bytes) : "";
        var key = (traffic.Channel, traffic.Port, packet.Identifier);
        lock (_lock)
        {
            if (traffic.Question is not { } question)
            {
                if (_radius.Find(key) is { } asked)
                {
                    Add(asked, server, Party.Appliance, text);
                }
                return;
            }
            // What is asked first is asked in the flow of its login; what is repeated, or asked in another way, has the same question's number.
            if ((_questions.Find(question) ?? _flow.Value?.Login) is { } login)
            {
                _questions.Put(question, login);
                _radius.Put(key, login);
                _asking[user] = login;
                Add(login, Party.Appliance, server, text);
            }
        }
    }

    /// <summary>A push has set out: from now on it is known which login it is of.</summary>
    public void Sees(string session, string user)
    {
        lock (_lock)
        {
            LoginOf(session, user);
        }
    }

    /// <summary>A message on the way of a push, or of its answer.</summary>
    public void Push(string session, string user, string from, string to, MessageText text)
    {
        lock (_lock)
        {
            if (LoginOf(session, user) is { } login)
            {
                Add(login, from, to, text);
            }
        }
    }

    /// <summary>Whom a phone calls back: who pushed.</summary>
    public string PusherAt(string host) => Authenticator is { } address && host == address.ToString() ? Party.Authenticator : Party.Appliance;

    /// <summary>A client's request came.</summary>
    internal void Begin(ClientExchange exchange) => _flow.Value = exchange;

    /// <summary>It is whole; one that goes on with a login is told at once.</summary>
    internal void Asked(ClientExchange exchange, MessageText text, string? requestId)
    {
        lock (_lock)
        {
            exchange.Request = text;
            exchange.Login = requestId is null ? null : _requests.Find(requestId);
            Tell(exchange, exchange.Login is { } login ? _unit?.Logins.CountOf(login) ?? 0 : 0);
        }
    }

    /// <summary>Its answer is about to leave; <paramref name="requestId"/> is what it gives the client to go on with.</summary>
    internal void Answered(ClientExchange exchange, MessageText text, string? requestId)
    {
        lock (_lock)
        {
            if (exchange.Login is not { } login)
            {
                return;
            }
            if (requestId is not null)
            {
                _requests.Put(requestId, login);
            }
            Add(login, Party.Appliance, Party.Client, text);
        }
    }

    /// <summary>The first step that is noted while a request is served says which login began with it.</summary>
    private void Noted(LoginJournalStep step)
    {
        if (_flow.Value is { Login: null, Request: not null } exchange)
        {
            lock (_lock)
            {
                exchange.Login = step.LoginId;
                Tell(exchange, 0);
            }
        }
    }

    private void Tell(ClientExchange exchange, int after)
    {
        if (exchange is { Login: { } login, Request: { } text, Told: false })
        {
            exchange.Told = true;
            Add(login, Party.Client, Party.Appliance, text, after, exchange.Came);
        }
    }

    /// <summary>A push of the unit's is known to it; one of the authenticator's belongs to the login for which it was last asked about that user.</summary>
    private long? LoginOf(string session, string user)
    {
        if (_sessions.Find(session) is { } known)
        {
            return known;
        }
        if (_unit?.LoginOf(session) is { } login || (_asking.TryGetValue(user, out login) && login > 0))
        {
            _sessions.Put(session, login);
            return login;
        }
        return null;
    }

    private void Add(long login, string from, string to, MessageText text, int? after = null, DateTimeOffset? at = null)
    {
        _messages.Enqueue(new LabMessage(++_last, login, at ?? time.GetUtcNow(), after ?? _unit?.Logins.CountOf(login) ?? 0, from, to, text));
        if (_messages.Count > MessagesMax)
        {
            _messages.Dequeue();
        }
        if (_asking.Count > MessagesMax)
        {
            _asking.Clear();
        }
    }

    /// <summary>Which login something belongs to, of the newest ones.</summary>
    private sealed class Known<TKey>
        where TKey : notnull
    {
        private readonly Dictionary<TKey, long> _logins = [];
        private readonly Queue<TKey> _order = [];

        public long? Find(TKey key) => _logins.TryGetValue(key, out var login) ? login : null;

        public void Put(TKey key, long login)
        {
            if (!_logins.TryAdd(key, login))
            {
                _logins[key] = login;
                return;
            }
            _order.Enqueue(key);
            if (_order.Count > MessagesMax)
            {
                _logins.Remove(_order.Dequeue());
            }
        }
    }
}

/// <summary>A request of a client while it is served.</summary>
internal sealed class ClientExchange(DateTimeOffset came)
{
    public DateTimeOffset Came => came;

    public MessageText? Request { get; set; }

    public long? Login { get; set; }

    public bool Told { get; set; }
}
