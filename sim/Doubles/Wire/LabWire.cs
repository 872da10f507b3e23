using System.Net;
using Appliance.Firmware;
using Appliance.Firmware.Ftm;
using Appliance.Firmware.Http;
using Appliance.Firmware.Login.Journal;
using Appliance.Firmware.Observation;
using Appliance.Firmware.Radius;

namespace Appliance.Doubles.Wire;

/// <summary>
/// The wire capture: the newest messages of logins, between all parties. Bounded, free of secrets, and cleared with the unit that has the
/// logins. A message that belongs to no login of the unit is not stored. Thread-safe.
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

    /// <summary>The address of the FortiAuthenticator emulator; null in a lab without one.</summary>
    public IPAddress? Authenticator { get; init; }

    /// <summary>True if pushes are sent to the phones directly.</summary>
    public bool PushesDirect { get; init; }

    /// <summary>Returns the messages after an id, oldest first.</summary>
    public IReadOnlyList<LabMessage> After(long id)
    {
        lock (_lock)
        {
            return [.. _messages.SkipWhile(message => message.Id <= id)];
        }
    }

    /// <summary>Switches to a new unit, whose logins count from 1 again.</summary>
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
        var text = new MessageText(
            name,
            $"{name} id {packet.Identifier} ({(traffic.Question is null ? "from" : "to")} {traffic.Server})",
            [.. RadiusText.Fields(packet).Select(field => Mask.Header(field.Name, field.Value))],
            ""
        );
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
            // The first request is sent in the flow of its login. A repetition, or a request over another channel, has the number of the
            // same request.
            if ((_questions.Find(question) ?? _flow.Value?.Login) is { } login)
            {
                _questions.Put(question, login);
                _radius.Put(key, login);
                _asking[user] = login;
                Add(login, Party.Appliance, server, text);
            }
        }
    }

    /// <summary>Assigns a push that was sent to its login.</summary>
    public void Sees(string session, string user)
    {
        lock (_lock)
        {
            LoginOf(session, user);
        }
    }

    /// <summary>Records a message of a push, or of its answer.</summary>
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

    /// <summary>Returns the party that a phone calls back: the sender of the push.</summary>
    public string PusherAt(string host) =>
        Authenticator is { } address && host == address.ToString() ? Party.Authenticator : Party.Appliance;

    /// <summary>Begins the exchange of a client's request.</summary>
    internal void Begin(ClientExchange exchange) => _flow.Value = exchange;

    /// <summary>Records a complete request; one that continues a login is added immediately.</summary>
    internal void Asked(ClientExchange exchange, MessageText text, string? requestId)
    {
        lock (_lock)
        {
            exchange.Request = text;
            exchange.Login = requestId is null ? null : _requests.Find(requestId);
            Tell(exchange, exchange.Login is { } login ? _unit?.Logins.CountOf(login) ?? 0 : 0);
        }
    }

    /// <summary>
    /// Records a response that is about to be sent; <paramref name="requestId"/> is the id with which the client continues.
    /// </summary>
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

    /// <summary>Assigns a request to the login whose first step is recorded while the request is served.</summary>
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

    /// <summary>
    /// Finds the login of a push; null if it belongs to none. The unit has the login of each push that it sent. A push of the emulator
    /// belongs to the login that last queried the emulator about that user.
    /// </summary>
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
        _messages.Enqueue(
            new LabMessage(++_last, login, at ?? time.GetUtcNow(), after ?? _unit?.Logins.CountOf(login) ?? 0, from, to, text)
        );
        if (_messages.Count > MessagesMax)
        {
            _messages.Dequeue();
        }
        if (_asking.Count > MessagesMax)
        {
            _asking.Clear();
        }
    }

    /// <summary>The logins of the newest keys.</summary>
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
