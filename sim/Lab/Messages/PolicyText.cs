using System.Text.Json;
using Appliance.Firmware.Login.Limits;
using Appliance.Firmware.Login.Policy;
using Appliance.Lab.Units;

namespace Appliance.Lab.Messages;

/// <summary>
/// The test policy as JSON, for <c>PUT /lab/policy</c> and for scenarios. A change contains only the fields that it changes.
/// </summary>
internal static class PolicyText
{
    internal static readonly string[] Names = ["pushLimit", "pushWindowSeconds", "numberMatch", "pushLifeSeconds", "nameSpellingBug"];

    /// <summary>Returns the policy after a change.</summary>
    /// <exception cref="LabProblem">A value is invalid.</exception>
    public static LabPolicy Read(LabPolicy now, Dictionary<string, JsonElement> fields)
    {
        long Whole(string name, long old, long min, long max) =>
            !fields.ContainsKey(name) ? old
            : LabRequest.Number(fields, name, min, max) is var number && number == Math.Floor(number) ? (long)number
            : throw LabProblem.Bad($"{name} must be a whole number");
        bool Flag(string name, bool old) => fields.ContainsKey(name) ? LabRequest.Flag(fields, name) : old;
        return new LabPolicy
        {
            PushLimit = (int)Whole("pushLimit", now.PushLimit, 0, PushLimit.LimitMax),
            PushWindow = TimeSpan.FromSeconds(Whole("pushWindowSeconds", (long)now.PushWindow.TotalSeconds, 10, 86_400)),
            NumberMatch = Flag("numberMatch", now.NumberMatch),
            PushLife = TimeSpan.FromSeconds(Whole("pushLifeSeconds", (long)now.PushLife.TotalSeconds, 5, 600)),
            NameSpellingBug = Flag("nameSpellingBug", now.NameSpellingBug),
        };
    }

    /// <summary>Returns the policy after a change that is not the body of a request.</summary>
    /// <exception cref="FormatException">The object is invalid; the message names the field.</exception>
    public static LabPolicy Read(LabPolicy now, JsonElement json)
    {
        try
        {
            return Read(now, LabRequest.Fields(json, Names));
        }
        catch (LabProblem problem)
        {
            throw new FormatException(problem.Message, problem);
        }
    }
}
